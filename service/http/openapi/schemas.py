"""The schemas of bodies and answers, as client generators read them best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/"
NULL = {"type": "null"}


def drop_null(schema: Schema) -> None:
    """Take `null` out of the schema of what may be left out, where nobody sends null for it."""
    options = [option for option in schema.get("anyOf", ()) if option != NULL]
    if len(options) == 1:
        del schema["anyOf"]
        schema |= options[0]
    if schema.get("default", ...) is None:
        del schema["default"]


def never_null(schema: Schema) -> None:
    """Say of an answer that what it may leave out is never null in it; for `json_schema_extra`."""
    for entry in schema["properties"].values():
        if entry.get("default", ...) is None:
            drop_null(entry)


def tell_defaults(schema: Schema) -> None:
    """Say in words what a field is if it is left out: where `default` says it, generators require a value."""
    for name, entry in schema.get("properties", {}).items():
        default = entry.pop("default", None)
        if default is not None and name not in schema.get("required", ()):
            text = str(default).lower() if isinstance(default, bool) else default
            entry["description"] = f"{entry.get('description', '')} Left out: {text}.".strip()


def name_parts(schemas: Mapping[str, Schema], parts: Iterable[Schema]) -> dict[str, Schema]:
    """Return schemas whose parts that have a name are schemas of their own, sorted by name.

    Args:
        schemas: By name.
        parts: Those that several schemas have; as their `title`, they have the names that they get. Besides
            these, objects in others get theirs so.
    """
    found: dict[str, Schema] = {}
    shared = {part["title"]: part for part in parts}
    for name, schema in {**schemas, **shared}.items():
        found[name] = {key: _refer(entry, shared, found) for key, entry in schema.items()}
    return dict(sorted(found.items()))


def _refer(node: Any, shared: Mapping[str, Schema], found: dict[str, Schema]) -> Any:
    if isinstance(node, list):
        return [_refer(entry, shared, found) for entry in node]
    if not isinstance(node, dict):
        return node
    name = str(node.get("title"))
    # A field that may be null can have a part's name too, as its title; it is a choice of the part and null.
    if name in shared and shared[name].get("type") == node.get("type"):
        return {"$ref": REFERENCE + name}
    referring = {key: _refer(entry, shared, found) for key, entry in node.items()}
    if node.get("type") == "object" and {"title", "properties"} <= node.keys():
        found[name] = referring
        return {"$ref": REFERENCE + name}
    return referring
