"""No request imports anything: that would hold the event loop for as long as it takes, and others with it."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

from tests.live import ROOT
from tests.service.fake import write_bundle


def test_no_request_imports_anything(tmp_path: pathlib.Path) -> None:
    write_bundle(tmp_path / "fake")
    # An interpreter of its own: this one has imported more than the service does.
    command = [sys.executable, "-m", "tests.service.system.late_imports", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) > 40
    assert {line: modules for line, (_, modules) in found.items() if modules} == {}
    assert {line: status for line, (status, _) in found.items() if not "200" <= status < "500"} == {}
