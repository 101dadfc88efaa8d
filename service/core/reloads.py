"""What a reload of the bundles does to each model, and how several workers come to do the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

Status = Literal["loaded", "unchanged", "removed", "refused"]
DISAGREEMENT = "expected the same files for all workers, found others: they changed meanwhile; reload again"


class Content(NamedTuple):
    """What a model is made of.

    Attributes:
        version: The model's version.
        digest: Of all that its bundle says; bundles of one version may differ in their cards.
    """

    version: str
    digest: str


class Outcome(NamedTuple):
    """What a reload does to a model.

    Attributes:
        name: The model's name.
        status: What happens to it.
        before: What is served until now; None if the model is new.
        after: What is served from then on; None if nothing is.
        reason: Why it is refused, for the operator.
    """

    name: str
    status: Status
    before: Content | None
    after: Content | None
    reason: str = ""

    def refuse(self, reason: str) -> Outcome:
        """Return the outcome that nothing changes, for a reason."""
        return self._replace(status="refused", after=self.before, reason=reason)

    def describe(self) -> dict[str, Any]:
        """Return the outcome as fields of JSON."""
        fields: dict[str, Any] = {
            "name": self.name,
            "status": self.status,
            "version": self.after.version if self.after else None,
            "previous_version": self.before.version if self.before else None,
        }
        return {**fields, "reason": self.reason} if self.reason else fields

    def __str__(self) -> str:
        if self.status == "refused":
            rest = f"{self.name}@{self.before.version} goes on" if self.before else "it is not served"
            return f"{self.name}: refused, {rest}: {self.reason}"
        version = self.after or self.before
        return f"{self.name}{'@' + version.version if version else ''}: {self.status}"


def agree(found: Sequence[Iterable[Outcome]]) -> list[Outcome]:
    """Return the outcomes that all workers can bring about.

    Args:
        found: What each worker has found and loaded.

    Returns:
        An outcome of each model that any of them knows. What one refuses is refused by all, and so is what
        they have found to be different: then the model stays as it is.
    """
    tables = [{outcome.name: outcome for outcome in outcomes} for outcomes in found]
    names = dict.fromkeys(name for table in tables for name in table)
    return [_agree_on(name, tables) for name in names]


def _agree_on(name: str, tables: Sequence[Mapping[str, Outcome]]) -> Outcome:
    outcomes = [table[name] for table in tables if name in table]
    refused = next((outcome for outcome in outcomes if outcome.status == "refused"), None)
    if refused is not None:
        return refused
    if len(outcomes) < len(tables) or len(set(outcomes)) > 1:
        return outcomes[0].refuse(DISAGREEMENT)
    return outcomes[0]
