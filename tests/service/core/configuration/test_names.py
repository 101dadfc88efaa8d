from __future__ import annotations

import re

import pytest

from service.core.configuration.names import find_unread
from service.core.errors import StartupError
from service.core.settings import Settings
from tests.docs.test_readme import ROOT

# The variables of clients are as near to settings as a slip.
CLIENTS = ("api_key", "signing_key")
SETTINGS = {"port", "host", "workers", "max_body_bytes", "deadline_ms", "cors_origins", "models_dir"}
KUBERNETES = {
    "CVAE_SERVICE_HOST": "10.0.0.1",
    "CVAE_SERVICE_PORT": "8000",
    "CVAE_SERVICE_PORT_HTTP": "8000",
    "CVAE_PORT": "tcp://10.0.0.1:8000",
    "CVAE_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "CVAE_PORT_8000_TCP_PROTO": "tcp",
    "CVAE_PORT_8000_TCP_PORT": "8000",
    "CVAE_PORT_8000_TCP_ADDR": "10.0.0.1",
    "CVAE_GPU_SERVICE_HOST": "10.0.0.2",
    "CVAE_GPU_PORT": "tcp://10.0.0.2:8000",
    "CVAE_GPU_PORT_53_UDP_ADDR": "10.0.0.2",
    "CVAE_HOSTS_PORT": "tcp://10.0.0.2:8000",
}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CVAE_WORKER", "CVAE_WORKERS"),
        ("CVAE_PROT", "CVAE_PORT"),
        ("cvae_prot", "CVAE_PORT"),
        ("CVAE_MAXBODYBYTES", "CVAE_MAX_BODY_BYTES"),
        ("CVAE_MAX_BODY", "CVAE_MAX_BODY_BYTES"),
        ("CVAE_DEADLINE", "CVAE_DEADLINE_MS"),
        ("CVAE_CORS", "CVAE_CORS_ORIGINS"),
        ("CVAE_MODEL_DIR", "CVAE_MODELS_DIR"),
    ],
)
def test_a_slip_is_refused_with_what_was_meant(name: str, meant: str) -> None:
    with pytest.raises(StartupError, match=f"^{name.upper()}: .* perhaps {meant}$"):
        find_unread({name: "1"}, SETTINGS)


def test_every_setting_with_a_letter_too_few_or_too_many_is_recognised() -> None:
    for setting in Settings.model_fields:
        for slip in (setting[:-1], setting + "s", setting[1:], setting[0] + setting):
            if slip not in {*Settings.model_fields, *CLIENTS}:
                with pytest.raises(StartupError, match="perhaps CVAE_"):
                    find_unread({f"CVAE_{slip.upper()}": "1"}, Settings.model_fields)


def test_settings_in_any_case_and_other_programs_variables_are_none_of_it() -> None:
    assert find_unread({"CVAE_PORT": "1", "cvae_host": "x", "PATH": "/", "CVAEPORT": "1"}, SETTINGS) == []


def test_what_kubernetes_sets_for_a_service_of_our_name_does_no_harm() -> None:
    assert find_unread(KUBERNETES, SETTINGS) == []
    assert find_unread(KUBERNETES, Settings.model_fields) == []


def test_what_compose_and_the_tests_set_does_no_harm() -> None:
    text = (ROOT / "docker-compose.yml").read_text() + (ROOT / ".ci" / "run").read_text()
    names = set(re.findall(r"CVAE_[A-Z_]+", text))
    assert {"CVAE_MEMORY", "CVAE_GPU_PORT", "CVAE_UID", "CVAE_TEST_MNIST"} <= names
    assert find_unread(dict.fromkeys(names, "1"), Settings.model_fields) == []


def test_what_clients_read_is_no_slip() -> None:
    assert find_unread({f"CVAE_{name.upper()}": "x" for name in CLIENTS}, Settings.model_fields) == []


def test_what_is_like_nothing_is_named() -> None:
    assert find_unread({"CVAE_ZEBRA": "1", "cvae_apple": None}, SETTINGS) == ["CVAE_APPLE", "CVAE_ZEBRA"]
