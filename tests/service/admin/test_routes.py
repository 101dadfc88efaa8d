"""POST /admin/reload: what operators get."""

from __future__ import annotations

import json
import pathlib

import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.server.app import create_app
from tests.service.admin.conftest import NAMED
from tests.service.fake import change


def test_it_says_what_has_become_of_each_model(client: TestClient, folder: pathlib.Path) -> None:
    before = client.get("/models/fake").json()["version"]
    after = change(folder)
    answer = client.post("/admin/reload")
    told = {"name": "fake", "status": "loaded", "version": after, "previous_version": before}
    assert (answer.status_code, answer.json()) == (200, {"models": [told]})
    assert answer.headers["cache-control"] == "no-store"
    assert client.get("/decode.png?z=0,0").headers["cvae-model"] == f"fake@{after}"
    told |= {"status": "unchanged", "previous_version": after}
    assert client.post("/admin/reload").json() == {"models": [told]}


def test_a_refusal_is_a_problem_with_its_reason(client: TestClient, folder: pathlib.Path) -> None:
    before = client.get("/models/fake").json()["version"]
    change(folder)
    (folder / "decoder.onnx").write_bytes(b"junk")
    answer = client.post("/admin/reload")
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    problem = answer.json()
    (model,) = problem["models"]
    assert (model["status"], model["version"], model["previous_version"]) == ("refused", before, before)
    assert "decoder.onnx: sha256: expected" in model["reason"]
    assert problem["detail"] == f"fake: refused, fake@{before} goes on: {model['reason']}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert client.get("/decode.png?z=0,0").headers["cvae-model"] == f"fake@{before}"


OTHER = "https://evil.example"
SITE = "Sec-Fetch-Site"


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"Origin": OTHER}, "Origin"),
        ({"Origin": "null"}, "Origin"),
        ({"Origin": "http://testserver:8000"}, "Origin"),
        ({"Origin": "http://testserver.evil.example"}, "Origin"),
        ({SITE: "cross-site"}, SITE),
        ({SITE: "same-site"}, SITE),
        ({"Origin": OTHER, SITE: "cross-site"}, SITE),
        ({"Origin": "http://testserver", SITE: "cross-site"}, SITE),
    ],
)
def test_pages_of_other_sites_are_refused(
    client: TestClient, folder: pathlib.Path, fields: dict[str, str], at_fault: str
) -> None:
    before = client.get("/models/fake").json()["version"]
    change(folder)
    answer = client.post("/admin/reload", headers=fields)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    (fault,) = answer.json()["errors"]
    assert (fault["field"], fault["received"]) == (at_fault, repr(fields[at_fault]))
    assert client.get("/models/fake").json()["version"] == before
    assert 'reason="foreign_origin"} 1' in client.get("/metrics").text


@pytest.mark.parametrize(
    "fields",
    [
        {"Origin": "http://testserver"},
        {"Origin": "https://testserver"},
        {"Origin": "http://testserver", SITE: "same-origin"},
        # A proxy in front may have changed the host.
        {"Origin": "http://public.example", SITE: "same-origin"},
        {SITE: "none"},
        {"Origin": NAMED},
        {"Origin": NAMED, SITE: "cross-site"},
    ],
)
def test_the_services_own_pages_and_those_that_are_named_may(
    client: TestClient, fields: dict[str, str]
) -> None:
    assert client.post("/admin/reload", headers=fields).status_code == 200


def test_it_is_described_and_only_post_is_taken(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/admin/reload"]["post"]
    assert {"200", "403", "409", "503"} <= operation["responses"].keys()
    known = document["components"]["schemas"]
    references = [part.split('"')[0] for part in json.dumps(operation).split("#/components/schemas/")[1:]]
    assert set(references) <= known.keys()
    assert client.get("/admin/reload").status_code == 405


def test_where_nothing_can_be_reloaded_it_says_so(folder: pathlib.Path) -> None:
    with TestClient(create_app(Settings(models_dir=folder.parent, admin="on"))) as client:
        assert client.post("/admin/reload").status_code == 503


def test_unless_it_is_turned_on_it_is_not_there(folder: pathlib.Path) -> None:
    with TestClient(create_app(Settings(models_dir=folder.parent))) as client:
        assert client.post("/admin/reload").status_code == 404
        assert "/admin/reload" not in client.get("/openapi.json").json()["paths"]
