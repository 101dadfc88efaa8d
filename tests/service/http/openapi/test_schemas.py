from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from service.core.settings import Settings
from service.http.openapi import schemas
from service.server.app import create_app

SCHEMA: dict[str, Any] = create_app(Settings()).api.openapi()
SCHEMAS: dict[str, dict[str, Any]] = SCHEMA["components"]["schemas"]
PLAIN = re.compile(r"[A-Z][a-z]+([A-Z][a-z]+)*")


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Each object in a document, the outer ones first."""
    if isinstance(node, dict):
        yield node
    for entry in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(entry)


def test_every_list_says_what_it_holds() -> None:
    lists = [node for node in nodes(SCHEMAS) if node.get("type") == "array"]
    assert len(lists) > 30
    assert all("items" in node for node in lists)


def test_what_may_be_left_out_is_never_required_by_a_default() -> None:
    for name, schema in SCHEMAS.items():
        for field, entry in schema.get("properties", {}).items():
            assert "default" not in entry, f"{name}.{field}"
    assert SCHEMAS["SampleRequest"].get("required", []) == []
    assert SCHEMAS["InterpolateRequest"]["required"] == ["from", "to"]
    assert SCHEMAS["InterpolateRequest"]["properties"]["steps"]["description"].endswith("Left out: 8.")


def test_what_an_answer_leaves_out_is_never_null_in_it() -> None:
    assert SCHEMAS["EncodeAnswer"]["properties"]["seed"]["type"] == "integer"
    assert SCHEMAS["OutputTensor"]["properties"]["data"]["type"] == "array"
    assert set(SCHEMAS["Problem"]["required"]) == set(SCHEMAS["Problem"]["properties"])
    assert {"timeout_action", "allow_timeout_override"} <= set(SCHEMAS["QueuePolicy"]["required"])


def test_schemas_and_tags_have_plain_names() -> None:
    names = [*SCHEMAS, *SCHEMA["components"]["responses"]]
    assert all(PLAIN.fullmatch(name) for name in names), names
    assert len(set(names)) == len(names)
    tags = [tag["name"] for tag in SCHEMA["tags"]]
    assert all(re.fullmatch("[a-z]+( [a-z]+)*", tag) for tag in tags), tags
    used = {tag for path in SCHEMA["paths"].values() for entry in path.values() for tag in entry["tags"]}
    assert used == set(tags)


def test_bodies_and_answers_are_named_not_spelt_out() -> None:
    for path in SCHEMA["paths"].values():
        for operation in path.values():
            bodies = [operation.get("requestBody", {}), operation["responses"]["200"]]
            for body in bodies:
                for media_type, content in body.get("content", {}).items():
                    kept = content["schema"]
                    assert {"$ref", "items"} & kept.keys() or kept["type"] == "string", media_type


def test_every_reference_leads_to_a_schema() -> None:
    references = {node["$ref"] for node in nodes(SCHEMA) if isinstance(node.get("$ref"), str)}
    for reference in references:
        _, _, kind, name = reference.split("/")
        assert name in SCHEMA["components"][kind], reference


def test_uploads_open_on_a_file() -> None:
    for path in ("/encode", "/reconstruct"):
        first = next(iter(SCHEMA["paths"][path]["post"]["requestBody"]["content"]))
        assert first == "image/png"


def test_a_key_is_described_and_may_be_left_out() -> None:
    assert SCHEMA["security"] == [{}, {"bearer": []}, {"key": []}]
    assert SCHEMA["components"]["securitySchemes"].keys() == {"bearer", "key"}
    opened = set()
    for path, item in SCHEMA["paths"].items():
        for operation in item.values():
            closed = {"401", "403"} <= operation["responses"].keys()
            assert closed == ("security" not in operation)
            opened |= set() if closed else {path}
    assert opened == {"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"}
    refused = SCHEMA["components"]["responses"]["NoKey"]
    assert "WWW-Authenticate" in refused["headers"]


def test_the_server_is_where_the_document_is() -> None:
    assert [server["url"] for server in SCHEMA["servers"]] == ["/"]
    below = create_app(Settings(root_path="/cvae")).api.openapi()
    assert [server["url"] for server in below["servers"]] == ["/cvae"]


PART = {"title": "Part", "type": "array", "items": {"type": "number"}}
NULL = {"type": "null"}
REFERENCE = {"$ref": "#/components/schemas/Part"}


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"anyOf": [PART, NULL]}, {"anyOf": [REFERENCE, NULL]}),
        ({"properties": {"title": {"type": "string"}}}, {"properties": {"title": {"type": "string"}}}),
    ],
)
def test_parts_become_references(schema: dict[str, Any], named: dict[str, Any]) -> None:
    found = schemas.name_parts({"Whole": schema}, [PART])
    assert found == {"Part": PART, "Whole": named}


def test_a_field_that_has_a_parts_name_may_be_null_all_the_same() -> None:
    field = {"title": PART["title"], "anyOf": [PART, NULL]}
    found = schemas.name_parts({"Whole": {"properties": {"part": field}}}, [PART])
    assert found["Whole"]["properties"]["part"] == {**field, "anyOf": [REFERENCE, NULL]}


def test_objects_in_objects_get_the_names_of_their_titles() -> None:
    inner = {"title": "Inner", "type": "object", "properties": {}}
    found = schemas.name_parts({"Outer": {"anyOf": [inner]}}, [])
    assert found == {"Inner": inner, "Outer": {"anyOf": [{"$ref": "#/components/schemas/Inner"}]}}
