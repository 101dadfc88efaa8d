"""Owns what a load has seen: counts, what was wrong, and every request that was lost, with its times."""

from __future__ import annotations

import collections
import dataclasses
import json
from typing import Any, Literal

from tests.reliability.references import Judgement, Reference

# A part of an answer came; none of it did; the server said in the answer before that it would close, so that
# what had been sent behind it is to be sent again; nobody listened; no answer came in time; it was no HTTP.
Fate = Literal["cut", "unanswered", "withdrawn", "refused", "late", "garbled"]
LOST = frozenset(("cut", "unanswered", "refused", "late", "garbled"))
MAX_NOTES = 30


@dataclasses.dataclass(frozen=True)
class Loss:
    """A request that got no whole answer. Times are on the monotonic clock, the same in all processes.

    Attributes:
        fate: What became of it.
        name: Of its case.
        opened: When its connection was opened.
        sent: When it was sent.
        ended: When its connection ended.
        before: Requests that were answered on the connection before it.
        reset: Whether the connection ended by a reset.
    """

    fate: Fate
    name: str
    opened: float
    sent: float
    ended: float
    before: int
    reset: bool = False


@dataclasses.dataclass
class Tally:
    """What a load has seen.

    Attributes:
        verdicts: Requests that were answered, by verdict.
        losses: The others.
        notes: What was wrong, the first few.
        statuses: Of "busy" and "failed" answers, how many of each status.
        connections: That were opened.
        answered_bytes: Of all bodies.
    """

    verdicts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    losses: list[Loss] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    statuses: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    connections: int = 0
    answered_bytes: int = 0

    @property
    def requests(self) -> int:
        """All that were sent, but those that are to be sent again and those that nobody took."""
        return self.verdicts.total() + sum(loss.fate not in ("withdrawn", "refused") for loss in self.losses)

    @property
    def faults(self) -> int:
        """Answers that should not be, and requests without one."""
        lost = sum(loss.fate in LOST for loss in self.losses)
        return self.verdicts["wrong"] + self.verdicts["failed"] + lost

    def count_fates(self) -> collections.Counter[str]:
        """Return how many requests were lost in which way."""
        return collections.Counter(loss.fate for loss in self.losses)

    def note(self, reference: Reference, status: int, judgement: Judgement) -> None:
        """Count an answer."""
        self.verdicts[judgement.verdict] += 1
        if judgement.verdict in ("busy", "failed"):
            self.statuses[str(status)] += 1
        if judgement.verdict in ("wrong", "failed") and len(self.notes) < MAX_NOTES:
            self.notes.append(f"{reference.name}: {judgement.reason}")

    def add(self, other: Tally) -> None:
        """Add what another load has seen."""
        self.verdicts.update(other.verdicts)
        self.statuses.update(other.statuses)
        self.losses += other.losses
        self.notes = (self.notes + other.notes)[:MAX_NOTES]
        self.connections += other.connections
        self.answered_bytes += other.answered_bytes

    def to_json(self) -> str:
        """Write it, for another process."""
        losses = [dataclasses.asdict(loss) for loss in self.losses]
        return json.dumps({**vars(self), "losses": losses})

    @classmethod
    def from_json(cls, text: str) -> Tally:
        """Read what `to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        for name in ("verdicts", "statuses"):
            fields[name] = collections.Counter(fields[name])
        fields["losses"] = [Loss(**loss) for loss in fields["losses"]]
        return cls(**fields)
