"""The files of docker/monitoring/, tried on a real Prometheus that scrapes a service under load."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]

from tests.docs.test_readme import list_anchors
from tests.live import ROOT, serve

FOLDER = ROOT / "docker" / "monitoring"
RULES = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
BOARD = json.loads((FOLDER / "grafana" / "dashboards" / "cvae.json").read_text())
QUERIES = [
    (f"{panel['title']} {target['refId']}", target["expr"])
    for panel in BOARD["panels"]
    for target in panel.get("targets", ())
]
DEADLINE_S = 60
INFER = "/v2/models/mnist-2d.decoder/infer"


def promtool(*arguments: str, folder: pathlib.Path = FOLDER) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True)


def test_each_alert_has_a_runbook_and_a_test_in_which_it_fires() -> None:
    anchors = list_anchors((ROOT / "docs" / "operating.md").read_text())
    tested = yaml.safe_load((FOLDER / "alerts.test.yml").read_text())["tests"]
    cases = [case for test in tested for case in test["alert_rule_test"]]
    for rule in RULES:
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (page, anchor) == ("docs/operating.md", rule["alert"].lower())
        assert anchor in anchors
        assert rule["labels"]["severity"] in ("critical", "warning")
        own = [bool(case.get("exp_alerts")) for case in cases if case["alertname"] == rule["alert"]]
        assert {True, False} <= set(own), rule["alert"]


def test_panels_have_their_own_place_and_the_source_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((FOLDER / "grafana" / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    places: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not own & places, panel["title"]
        places |= own
        assert panel["type"] == "row" or panel["datasource"] == {"type": "prometheus", "uid": source["uid"]}
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


@pytest.mark.slow
def test_prometheus_own_tool_takes_the_files(tmp_path: pathlib.Path) -> None:
    assert promtool("check", "config", "prometheus.yml").returncode == 0
    tested = promtool("test", "rules", "alerts.test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    # A limit that is never reached: the tests must see it.
    for rule in RULES:
        changed = yaml.safe_load((FOLDER / "alerts.yml").read_text())
        for each in changed["groups"][0]["rules"]:
            if each["alert"] == rule["alert"]:
                each["expr"] = f"({each['expr']}) and on () vector(1) > 2"
        (tmp_path / "alerts.yml").write_text(yaml.safe_dump(changed))
        (tmp_path / "alerts.test.yml").write_text((FOLDER / "alerts.test.yml").read_text())
        assert promtool("test", "rules", "alerts.test.yml", folder=tmp_path).returncode != 0, rule["alert"]


@pytest.mark.slow
def test_each_query_and_each_rule_finds_data_of_a_loaded_service(tmp_path: pathlib.Path) -> None:
    settings = {"CVAE_WORKERS": "2", "CVAE_MODELS_DIR": str(ROOT / "models")}
    with serve(tmp_path / "log", **settings) as address, prometheus(tmp_path, address) as url:
        end = time.monotonic() + DEADLINE_S
        lacking = ["all"]
        while lacking and time.monotonic() < end:
            load(f"http://{address}")
            lacking = [name for name, expr in [*QUERIES, *list_rules()] if not ask(url, expr)]
        assert lacking == []
        groups = httpx.get(f"{url}/api/v1/rules").json()["data"]["groups"]
        found = {rule["name"]: (rule["health"], rule.get("lastError", "")) for rule in groups[0]["rules"]}
        assert found == {rule["alert"]: ("ok", "") for rule in RULES}
        assert ask(url, 'up{job="cvae"}') == ["1"]
        assert len(ask(url, 'label_replace(up{job="cvae"}, "a", "$1", "instance", "(.*)")')) == 1


def list_rules() -> Iterator[tuple[str, str]]:
    """Each rule as a query that has an answer whether it fires or not."""
    for rule in RULES:
        yield rule["alert"], re.sub(r" (<|>|==) (?=[\w.])", r" \1 bool ", rule["expr"])


def load(url: str) -> None:
    """Asks for something of every kind that is counted."""
    z = {"name": "z", "shape": [2, 2], "datatype": "FP32", "data": [0.5] * 4}
    with httpx.Client(base_url=url, timeout=30) as client:
        picture = client.get("/decode.png?z=0.5,0.5&scale=16")  # large enough for a thread
        assert picture.status_code == 200
        assert (
            client.get(
                "/decode.png?z=0.5,0.5&scale=16", headers={"if-none-match": picture.headers["etag"]}
            ).status_code
            == 304
        )
        for i in range(20):
            assert client.post("/decode", json={"z": [i / 10, 0.5]}).status_code == 200
        assert client.post(INFER, json={"inputs": [z]}).status_code == 200
        files = {"file": ("a.png", picture.content, "image/png")}
        assert client.post("/encode", files=files).status_code == 200
        assert client.get("/decode.png").status_code == 422
        late = client.get("/sample.npy?n=1024&seed=1", headers={"x-request-timeout-ms": "1"})
        assert late.status_code in (200, 504)


@contextlib.contextmanager
def prometheus(folder: pathlib.Path, address: str) -> Iterator[str]:
    """Gives the URL of a Prometheus with our files, that scrapes a service often."""
    config: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (job,) = config["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": [address]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "alerts.yml").write_text((FOLDER / "alerts.yml").read_text())
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        "prometheus",
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address={own}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://{own}/-/ready").status_code == 200:
                    break
            time.sleep(0.1)
        yield f"http://{own}"
    finally:
        process.terminate()
        process.wait()


def ask(url: str, expr: str) -> list[str]:
    """Gives the values of a query, as Grafana would ask it, that are numbers."""
    query = expr.replace("$__rate_interval", "30s").replace("$instance", ".*")
    query = re.sub(r"\[\d+m\]", "[30s]", query)
    query = query.replace('status="500"', 'status="422"')  # there is no request that is answered 500
    answer = httpx.get(f"{url}/api/v1/query", params={"query": query})
    assert answer.status_code == 200, (query, answer.text)
    values = [entry["value"][1] for entry in answer.json()["data"]["result"]]
    return [value for value in values if value != "NaN"]
