"""That faults are made where the code runs, and nowhere else, and that they are seen."""

from __future__ import annotations

import ast
import pathlib
import subprocess

import pytest

from scripts import mutants, suite_runs
from scripts.faults import find_changes

PATH = pathlib.Path("service/some.py")
ROOT = pathlib.Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("a < b", {"(a <= b)", "(a >= b)"}),
        ("a == b", {"(a != b)"}),
        ("a in b", {"(a not in b)"}),
        ("a + b", {"(a - b)"}),
        ("a and b", {"(a or b)"}),
        ("not a", {"(a)"}),
        ("x = min(a, b)", {"x = (max(a, b))", "x = (a)"}),
        ("x = True", {"x = (False)"}),
        ("x = 7", {"x = (8)"}),
        ("x += y", {"x = y", "x -= y"}),
        ("f(x)", {"pass"}),
        ("if f(x):\n    y", {"if (not f(x)):\n    y"}),
        ("def f():\n    return x", {"def f():\n    return None"}),
        ("def f():\n    return None", set()),
        ("def f():\n    raise x", {"def f():\n    pass"}),
        ("while x:\n    break", {"while x:\n    pass"}),
        ("while x:\n    continue", {"while x:\n    break"}),
        # What does not run, and what only says something.
        ('"""1 + 1"""', set()),
        ("x: Literal[1]", set()),
        ("@cache(256)\ndef f(x: A[1] = y) -> B[2]: pass", set()),
        ('x = f"{1 + 1}"', set()),
        # Bytes of a line, not characters.
        ('x = "äö", 1', {'x = "äö", (2)'}),
    ],
)
def test_a_module_has_its_faults(source: str, changed: set[str]) -> None:
    assert {change.apply(source) for change in find_changes(PATH, source)} == changed


def test_with_any_fault_a_module_is_still_python() -> None:
    source = (ROOT / "service/batching/batcher.py").read_text()
    changes = list(find_changes(PATH, source))
    assert len(changes) > 50
    for change in changes:
        assert change.apply(source) != source
        ast.parse(change.apply(source))


def test_a_seed_draws_the_same_faults() -> None:
    modules = [pathlib.Path("service/batching/batcher.py"), pathlib.Path("service/fastpath/handler.py")]
    assert mutants.draw(modules, 9, 1) == mutants.draw(modules, 9, 1) != mutants.draw(modules, 9, 2)
    assert len(mutants.draw(modules, 9, 1)) == 9


def test_the_nearest_tests_come_first() -> None:
    mirror, rest = suite_runs.order_tests(pathlib.Path("service/api/image_urls.py"), ROOT)
    assert mirror == ["tests/service/api/test_image_urls.py"]
    assert "tests/service/api/routes/test_sample.py" in rest
    assert "tests/service/api/test_responses.py" in rest
    assert rest[-1] == "tests/service/system"
    nowhere = suite_runs.order_tests(pathlib.Path("service/none/none.py"), ROOT)
    assert nowhere == ([], ["tests/service/system"])


def test_a_folder_is_its_modules() -> None:
    found = mutants.find_modules([pathlib.Path("service/batching"), PATH])
    assert pathlib.Path("service/batching/batcher.py") in found
    assert found[-1] == PATH


def write_tree(tree: pathlib.Path, test: str, others: dict[str, str]) -> pathlib.Path:
    """A package of one module with its test."""
    module, mirror = tree / "service" / "some.py", tree / "tests" / "service" / "test_some.py"
    (tree / "conftest.py").write_text("import sys\nsys.path.insert(0, '.')\n")
    for path, text in ((module, "def f():\n    return 7\n"), (mirror, test)):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    for name, text in others.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    return module


SEES = "from service.some import f\ndef test_it(): assert f() == 7\n"
SEES_UNNAMED = """\
import importlib
def test_it(): assert importlib.import_module("service." "some").f() == 7
"""
SEES_NOT = "def test_it(): assert True\n"


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize(
    ("test", "others", "seen"),
    [
        (SEES, {}, "tests/service/test_some.py::test_it"),
        (SEES_NOT, {"tests/service/system/test_all.py": SEES}, "tests/service/system/test_all.py::test_it"),
        (SEES_NOT, {"tests/service/far/test_far.py": SEES_UNNAMED}, None),
    ],
)
def test_the_change_is_what_runs_and_is_undone(
    tmp_path: pathlib.Path, test: str, others: dict[str, str], seen: str | None
) -> None:
    module = write_tree(tmp_path, test, others)
    before, source = module.stat().st_mtime_ns, module.read_text()
    change = next(one for one in find_changes(PATH, source) if one.new == "(8)")
    # As it is, all pass, and the bytecode of that is not the change's.
    assert suite_runs.run_tests(tmp_path, ["tests"]) == []
    assert mutants.try_near(change, tmp_path) == seen
    assert (module.read_text(), module.stat().st_mtime_ns) == (source, before)
    assert suite_runs.run_tests(tmp_path, ["tests"]) == []


TWO = "A = 1 + 2\nB = 5\n"


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize(
    ("test", "seen"),
    [
        ("from service.some import B\ndef test_it(): assert B == 5\n", {"(6)"}),
        ("from service.some import B\n@pytest.mark.slow(alone=False)\ndef test_it(): assert B == 5", {"(6)"}),
        ("from service.some import B\n@pytest.mark.slow\ndef test_it(): assert B == 5", set()),
        # Each fails another test; three of them meet.
        (
            "from service.some import A, B\ndef test_a(): assert A == 3\ndef test_b(): assert B == 5",
            {"(6)", "(1 - 2)", "(2)", "(3)"},
        ),
        # None alone, but two together.
        ("from service.some import A, B\ndef test_it(): assert A == 3 or B == 5", set()),
        (SEES_NOT, set()),
    ],
)
def test_all_that_is_left_meets_all_tests_together(tmp_path: pathlib.Path, test: str, seen: set[str]) -> None:
    module = write_tree(tmp_path, SEES_NOT, {"tests/service/far/test_far.py": f"import pytest\n{test}"})
    module.write_text(TWO)
    before = module.stat().st_mtime_ns
    changes = list(find_changes(PATH, TWO))
    assert {change.new for change in changes} == {"(6)", "(1 - 2)", "(2)", "(3)"}
    found = dict(mutants.try_together(changes, tmp_path))
    assert {change.new for change in found} == seen
    assert {test.partition("::")[0] for test in found.values()} <= {"tests/service/far/test_far.py"}
    assert (module.read_text(), module.stat().st_mtime_ns) == (TWO, before)


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize(
    ("test", "says"),
    [
        ("def test_it(): assert True", []),
        ("def test_it(): assert False", ["test_it.py::test_it"]),
        ("def test_it(): assert False\ndef test_too(): 1 / 0", ["test_it.py::test_it"]),
        ("import nothing_of_this_name", ["test_it.py"]),
        ("import os\ndef test_it(): os._exit(4)", ["no test's failure: pytest ended with 4"]),
        ("def test_it():\n    while True: pass", ["no test's failure: no end after 2 s of a processor"]),
        ("import time\ndef test_it(): time.sleep(90)", ["no test's failure: no end after 5 s"]),
        ("", []),
    ],
)
def test_a_fault_is_seen_by_what_fails_and_by_what_does_not_end(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, test: str, says: list[str]
) -> None:
    monkeypatch.setattr(suite_runs, "CPU_S", 2 if "while" in test else 60)
    monkeypatch.setattr(suite_runs, "WALL_S", 5 if "sleep" in test else 60)
    (tmp_path / "test_it.py").write_text(test)
    assert suite_runs.run_tests(tmp_path, ["test_it.py"]) == says


@pytest.mark.slow(alone=False)
def test_as_many_failures_are_named_as_are_asked_for(tmp_path: pathlib.Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n@pytest.mark.parametrize('x', ['a - b', 'c', 'd'])\ndef test_it(x): assert not x"
    )
    assert len(suite_runs.run_tests(tmp_path, ["test_it.py"], failures=2)) == 2


def test_the_copy_is_of_what_git_does_not_ignore(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, copied = tmp_path / "tree", tmp_path / "copy"
    (tree / "a" / "b").mkdir(parents=True)
    for name in (".gitignore", "a/new.py", "a/b/known.py", "a/ignored.py"):
        (tree / name).write_text("ignored.py\n")
    for command in (["init", "-q"], ["add", "a/b/known.py"]):
        subprocess.run(["git", *command], cwd=tree, check=True)
    monkeypatch.setattr(suite_runs, "ROOT", tree)
    suite_runs.copy_tree(copied)
    found = {str(file.relative_to(copied)) for file in copied.rglob("*") if file.is_file()}
    assert found == {".gitignore", "a/new.py", "a/b/known.py"}
