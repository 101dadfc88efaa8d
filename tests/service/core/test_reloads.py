from __future__ import annotations

import pytest

from service.core.reloads import DISAGREEMENT, Content, Outcome, agree

OLD, NEW, OTHER = Content("a", "1"), Content("b", "2"), Content("c", "3")
LOADED = Outcome("m", "loaded", OLD, NEW)
SAME = Outcome("m", "unchanged", OLD, OLD)


def test_what_all_have_found_is_done() -> None:
    fresh = Outcome("n", "loaded", None, NEW)
    gone = Outcome("o", "removed", OLD, None)
    assert agree([[LOADED, fresh, gone]] * 3) == [LOADED, fresh, gone]


def test_what_one_refuses_is_refused() -> None:
    refused = LOADED.refuse("broken")
    assert refused == Outcome("m", "refused", OLD, OLD, "broken")
    assert agree([[LOADED], [refused], [LOADED]]) == [refused]


@pytest.mark.parametrize("other", [SAME, LOADED._replace(after=OTHER), Outcome("m", "removed", OLD, None)])
def test_what_they_have_found_to_differ_is_refused(other: Outcome) -> None:
    assert agree([[LOADED], [other]]) == [Outcome("m", "refused", OLD, OLD, DISAGREEMENT)]


def test_what_one_has_not_found_is_refused() -> None:
    fresh = Outcome("n", "loaded", None, NEW)
    assert agree([[SAME, fresh], [SAME]]) == [SAME, Outcome("n", "refused", None, None, DISAGREEMENT)]


def test_outcomes_are_told_in_words() -> None:
    assert str(LOADED) == "m@b: loaded"
    assert str(Outcome("m", "removed", OLD, None)) == "m@a: removed"
    assert str(LOADED.refuse("broken")) == "m: refused, m@a goes on: broken"
    assert str(Outcome("m", "refused", None, None, "broken")) == "m: refused, it is not served: broken"
    told = {"name": "m", "status": "loaded", "version": "b", "previous_version": "a"}
    assert LOADED.describe() == told
    refused = {**told, "status": "refused", "version": "a", "reason": "broken"}
    assert LOADED.refuse("broken").describe() == refused
