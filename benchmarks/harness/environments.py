"""Makes the virtual environments of the peers, `.venv-bench/NAME`, from `benchmarks/peers/NAME.txt`."""

from __future__ import annotations

import pathlib
import subprocess
import sys

from benchmarks.peers import Peer

ROOT = pathlib.Path(__file__).parents[2]
STAMP = ".requirements"


class InstallError(Exception):
    """A peer's packages cannot be installed; the message ends with what the installer said."""


def find_programs(peer: Peer) -> pathlib.Path:
    """Return the folder of the programs in a peer's environment."""
    return (
        ROOT / ".venv-bench" / peer.environment / "bin"
        if peer.environment
        else pathlib.Path(sys.prefix, "bin")
    )


def install(peer: Peer) -> None:
    """Make a peer's environment, unless it is there and as the list of packages says.

    Args:
        peer: To make ready.

    Raises:
        InstallError: It cannot be.
    """
    if not peer.environment:
        return
    wanted = (ROOT / "benchmarks" / "peers" / f"{peer.environment}.txt").read_text()
    stamp = find_programs(peer).parent / STAMP
    if stamp.exists() and stamp.read_text() == wanted:
        return
    sys.stderr.write(f"{peer.name}: installing\n")
    _run(sys.executable, "-m", "venv", str(stamp.parent))
    _run(str(find_programs(peer) / "pip"), "install", "--disable-pip-version-check", *wanted.split())
    stamp.write_text(wanted)


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        program = pathlib.Path(command[0]).name
        raise InstallError(
            f"expected {program} to succeed, received exit status {done.returncode}\n{done.stdout[-3000:]}"
        )


def find_version(peer: Peer) -> str:
    """Return the version of a peer's main package, as installed."""
    code = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    command = [str(find_programs(peer) / "python"), "-c", code, peer.package]
    version = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return f"{peer.package} {version}"
