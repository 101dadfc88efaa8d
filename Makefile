# Each target installs what it needs. Two environments: the service's holds no TensorFlow.
PYTHON ?= python3
SERVE := .venv
TRAIN := .venv-train
CLIENTS := .venv-clients
DOCS := .venv-docs
SBOM := .venv-sbom
WEB := tests/service/web
DATA ?= mnist
RUN ?= runs/mine
MINUTES ?= 30
NAME ?= $(notdir $(RUN:%/=%))
N ?= 60
FILES ?= 1000000
SEED ?= 1
MODULES ?=
# Test files are shared out to so many processes; 0 runs them one after another, here.
PROCESSES ?= 2
LOCK ?= service
EPOCHS ?=
NAMES ?= $(notdir $(patsubst %/model.json,%,$(wildcard models/*/model.json)))

.DEFAULT_GOAL := help
.PHONY: help install format lint web openapi test test-service test-all clients docs mutants train evaluate export reproduce serve soak bench bench-training lock clean fuzz fuzz-guided sbom

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(SERVE)/.dev $(TRAIN)/.dev ## Install everything a developer needs

serve: $(SERVE)/.serve ## Serve the bundles in models/ (settings: CVAE_*, see docs/configuration.md)
	$(SERVE)/bin/python -m service

# Tests start hundreds of Pythons, each of which would compile the service again, where bytecode is not kept.
test test-service test-all mutants: export PYTHONDONTWRITEBYTECODE :=

test: test-service $(TRAIN)/.dev ## Run the fast tests
	$(TRAIN)/bin/pytest -m "not slow and not mnist" tests/training tests/contract

test-service: $(SERVE)/.dev ## Run those of the service alone, which need no TensorFlow
	$(SERVE)/bin/pytest -n $(PROCESSES) --dist loadfile -m "not slow and not mnist" tests/service tests/docs tests/reliability tests/benchmarks tests/test_*.py

test-all: $(SERVE)/.dev $(TRAIN)/.dev $(WEB)/node_modules/.package-lock.json ## Run every test; CVAE_TEST_MNIST names a folder with MNIST's IDX files
	$(SERVE)/bin/pytest tests/service tests/docs tests/reliability tests/benchmarks tests/test_*.py
	$(TRAIN)/bin/pytest tests/training tests/contract

clients: $(SERVE)/.dev $(CLIENTS)/.clients clients/node_modules/.installed ## Generate clients from openapi.json by five generators, and test them and clients/typescript
	$(SERVE)/bin/pytest tests/clients

docs: $(DOCS)/.docs ## Make a site of the README, the pages in docs/ and what the code says of itself, in build/docs
	$(DOCS)/bin/python -m sphinx -q -W --keep-going -c docs/site -b html . build/docs

mutants: $(SERVE)/.dev ## Say which of N small faults in MODULES (or what the last 20 commits changed) no test sees
	$(SERVE)/bin/python -m scripts.mutants -n $(N) --seed $(SEED) $(MODULES)

lint: $(SERVE)/.dev ## Check style, imports and types
	$(SERVE)/bin/ruff format --check .
	$(SERVE)/bin/ruff check .
	$(SERVE)/bin/lint-imports --no-cache
	$(SERVE)/bin/mypy service training benchmarks tests examples scripts

web: $(WEB)/node_modules/.package-lock.json ## Check the playground's scripts: style, types, units (needs npm)
	cd $(WEB) && npm run --silent lint && npm run --silent test

format: $(SERVE)/.dev ## Format the code
	$(SERVE)/bin/ruff check --fix .
	$(SERVE)/bin/ruff format .

openapi: $(SERVE)/.serve ## Write the API's schema to openapi.json
	$(SERVE)/bin/python -m service.server.openapi_export >openapi.json.new
	mv openapi.json.new openapi.json

train: $(TRAIN)/.train ## Train a model (DATA=mnist or a folder of IDX files, RUN=runs/mine, EPOCHS=80)
	TRAINING_COMMAND="make $@ $(MAKEOVERRIDES)" $(TRAIN)/bin/python -m training train --data $(DATA) --output $(RUN) --resume $(if $(EPOCHS),--epochs $(EPOCHS))

export: $(TRAIN)/.train ## Write the trained run's bundle to models/NAME
	$(TRAIN)/bin/python -m training export $(RUN) --data $(DATA) --name $(NAME)

evaluate: $(TRAIN)/.train ## Measure the bundle models/NAME on the test images
	$(TRAIN)/bin/python -m training evaluate models/$(NAME) --data $(DATA)

reproduce: $(TRAIN)/.train ## Train the bundles of models/ again (DATA, NAMES), and compare their figures
	TRAINING_COMMAND="make $@ $(MAKEOVERRIDES)" $(TRAIN)/bin/python -m training reproduce $(NAMES) --data $(DATA)

soak: $(SERVE)/.dev ## Prove that every answer is whole and every stop clean, in about two hours (docs/reliability.md)
	$(SERVE)/bin/python -m tests.reliability soak --minutes $(MINUTES)
	$(SERVE)/bin/python -m tests.reliability soak --minutes $(MINUTES) --connections 64 --workers 2 --reloads 40 --kills 20
	for workers in 1 2; do \
	  $(SERVE)/bin/python -m tests.reliability stops --times 50 --workers $$workers || exit 1; \
	done
	$(SERVE)/bin/python -m tests.reliability idle --connections 10000
	$(SERVE)/bin/python -m tests.reliability bombs

fuzz: $(SERVE)/.dev ## Read FILES mutated pictures of all formats (SEED): each must be read or refused, in time
	$(SERVE)/bin/python -m tests.service.imaging.fuzz -n $(FILES) --seed $(SEED)

fuzz-guided: $(SERVE)/.dev ## Fuzz uploads, npy, forms and tensors, guided by coverage, MINUTES each (Linux on x86-64)
	$(SERVE)/bin/python -m tests.service.guided --minutes $(MINUTES)

bench: $(SERVE)/.bench ## Measure the service and its peers on this machine, in an hour
	$(SERVE)/bin/python -m benchmarks
	for part in decoder bulk workers overload kinds; do \
	  $(SERVE)/bin/python -m benchmarks.suites.$$part >benchmarks/results/$$part.md || exit 1; \
	  cat benchmarks/results/$$part.md; \
	done

bench-training: $(TRAIN)/.train ## Measure a step of training against plain model.fit (DATA)
	$(TRAIN)/bin/python -m benchmarks.suites.training --data $(DATA) >benchmarks/results/training.md
	cat benchmarks/results/training.md

lock: $(SERVE)/.dev ## Resolve the newest versions into locks/
	sh locks/update $(SERVE)/bin/uv

sbom: $(SBOM)/.sbom $(SBOM)/served/.served ## List what locks/LOCK.txt installs and its licences: build/sbom.json (CycloneDX), build/licences.md
	mkdir -p build
	$(SBOM)/bin/cyclonedx-py environment $(SBOM)/served --pyproject pyproject.toml --output-reproducible \
	  --spec-version 1.6 --output-format JSON --output-file build/sbom.json
	$(SBOM)/bin/python scripts/licences.py build/sbom.json locks/$(LOCK).txt >build/licences.md.new
	mv build/licences.md.new build/licences.md

clean: ## Remove the environments and caches
	rm -rf $(SERVE) $(TRAIN) $(CLIENTS) $(DOCS) $(SBOM) build/docs .venv-bench clients/node_modules .mypy_cache .pytest_cache .ruff_cache

$(SERVE)/.serve: locks/service.txt
	sh scripts/install $(PYTHON) $(SERVE) $<
	touch $@

$(SERVE)/.dev: locks/dev.txt
	sh scripts/install $(PYTHON) $(SERVE) $< curl
	touch $@ $(SERVE)/.serve

$(SERVE)/.bench: locks/dev.txt
	sh scripts/install $(PYTHON) $(SERVE) $< curl wrk
	touch $@ $(SERVE)/.dev $(SERVE)/.serve

$(TRAIN)/.train: locks/train.txt
	sh scripts/install $(PYTHON) $(TRAIN) $<
	touch $@

$(CLIENTS)/.clients: locks/clients.txt
	sh scripts/install $(PYTHON) $(CLIENTS) $<
	touch $@

$(DOCS)/.docs: locks/docs.txt
	sh scripts/install $(PYTHON) $(DOCS) $<
	touch $@

$(SBOM)/.sbom: locks/sbom.txt
	sh scripts/install $(PYTHON) $(SBOM) $<
	touch $@

# Without pip, which is not served.
$(SBOM)/served/.served: locks/$(LOCK).txt $(SBOM)/.sbom
	rm -rf $(SBOM)/served
	$(PYTHON) -m venv --without-pip $(SBOM)/served
	$(SBOM)/bin/pip --python $(SBOM)/served/bin/python install --quiet --disable-pip-version-check \
	  --no-deps --require-hashes --requirement $<
	touch $@

clients/node_modules/.installed: clients/package-lock.json clients/package.json
	cd clients && npm ci --no-audit --no-fund
	touch $@

$(TRAIN)/.dev: locks/train-dev.txt
	sh scripts/install $(PYTHON) $(TRAIN) $<
	touch $@ $(TRAIN)/.train

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --no-audit --no-fund
