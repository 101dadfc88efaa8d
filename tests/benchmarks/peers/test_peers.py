"""That each peer is declared so that it can be installed, started and asked."""

from __future__ import annotations

import pathlib
import re

import pytest

from benchmarks.harness.environments import ROOT
from benchmarks.peers import PEERS, Peer


def name(peer: Peer) -> str:
    return peer.name


def test_names_are_unique() -> None:
    assert len({peer.name for peer in PEERS}) == len(PEERS)


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.environment], ids=name)
def test_an_environment_holds_the_package_whose_version_is_named(peer: Peer) -> None:
    lines = (ROOT / "benchmarks" / "peers" / f"{peer.environment}.txt").read_text().splitlines()
    names = {re.split(r"[\[<>=]", line)[0] for line in lines}
    assert peer.package in names
    # What a run installs next year is what was measured, or nearly so.
    assert all(re.search(r">=[\d.]+,<[\d.]+$", line) for line in lines)


@pytest.mark.parametrize("peer", PEERS, ids=name)
def test_a_command_names_code_that_is_there_and_is_told_the_port(peer: Peer) -> None:
    told = [*peer.command, *(value for _, value in peer.variables)]
    assert any("{port}" in argument for argument in told)
    modules = [found[0] for text in told if (found := re.search(r"benchmarks\.peers\.\w+", text))]
    assert all(pathlib.Path(ROOT, *module.split(".")).with_suffix(".py").exists() for module in modules)
