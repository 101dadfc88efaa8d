"""`cvae models`: a table, or JSON."""

from __future__ import annotations

import json

from tests.service.cli.commands import Cvae


def test_models_are_listed(cvae: Cvae) -> None:
    head, *rows = cvae.check("models").decode().splitlines()
    assert head.split()[0] == "name"
    assert [row.split()[0] for row in rows] == ["fake", "labelled"]
    assert rows[1].split()[5] == "0,1,2,3,4,5,6,7,8,9"
    (one,) = json.loads(cvae.check("models", "--json", "--model", "labelled"))["models"]
    assert (one["name"], one["latent_dim"]) == ("labelled", 2)
