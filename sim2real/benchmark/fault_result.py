"""What came of one scenario of a fault campaign."""

from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class ScenarioResult:
    """What came of a scenario."""

    id: str
    cases: tuple[str, ...]
    moment: str
    plant: str
    ended: str
    """State at the end of the run; `refused` or `raised` if it never returned."""
    ok: bool | None
    """The runtime's own verdict; None if it gave none."""
    reasons: tuple[str, ...]
    problems: tuple[str, ...]
    """What was wrong; none if all was as it should be."""
    safe_s: float | None
    """From the first fault until no motor that hears was driven, s; None if the run did not latch."""
    timeline: tuple[str, ...] = field(default=(), repr=False)

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "id": self.id,
            "cases": list(self.cases),
            "moment": self.moment,
            "plant": self.plant,
            "ended": self.ended,
            "ok": self.ok,
            "reasons": list(self.reasons),
            "problems": list(self.problems),
            "safe_s": self.safe_s,
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Return the result that a document is of, without its timeline. Raises TypeError if it is of none."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in document.items()}
        return cls(**values)
