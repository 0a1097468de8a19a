"""What is stated about a foreign policy, by whichever source; several sources together are one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from sim2real.configs.errors import UserError

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Rounding:
    """How exactly a source writes its numbers."""

    absolute: float = 0.0
    relative: float = 1e-9

    def same(self, a: float, b: float) -> bool:
        """Tell whether two numbers may be the same one, rounded."""
        return abs(a - b) <= self.absolute + self.relative * max(abs(a), abs(b))


EXACT: Final = Rounding()


@dataclass(frozen=True)
class Term:
    """One block of the observation, by the name that the contract has for it."""

    name: str
    scale: Numbers | None
    """One, or one a value; None where a source gives none."""
    clip: float | None
    """Before the scale."""
    history: int
    absolute: bool = False
    """Whether joint positions are not relative to the default pose."""
    theirs: str = ""
    """The name in its source, for messages."""


@dataclass(frozen=True)
class Command:
    """One operator command."""

    name: str
    low: float
    high: float
    default: float


@dataclass(frozen=True)
class Stated:
    """Facts about a policy; None where the source says nothing. Numbers are in the policy's order of joints."""

    source: str
    """For messages."""
    rounding: Rounding = EXACT
    task: str | None = None
    robot: str | None = None
    rate: float | None = None
    joints: tuple[str, ...] | None = None
    names: tuple[tuple[str, str], ...] | None = None
    reversed: tuple[str, ...] | None = None
    default_pose: Numbers | None = None
    stiffness: Numbers | None = None
    damping: Numbers | None = None
    action_scale: Numbers | None = None
    action_offset: Numbers | None = None
    action_clip: float | None = None
    terms: tuple[Term, ...] | None = None
    by_time: bool | None = None
    commands: tuple[Command, ...] | None = None
    phase_frequency: float | None = None


_NEEDED: Final = {
    "task": "task",
    "robot": "robot",
    "rate": "rate",
    "joints": "joints (names in the policy's order)",
    "default_pose": "default_pose",
    "stiffness": "stiffness",
    "damping": "damping",
    "action_scale": "action.scale",
    "terms": "observation",
}
"""What every policy needs, in the words of the YAML."""


def joined(sources: Sequence[Stated]) -> Stated:
    """Return what all sources state together; the most exact one's number counts.

    Raises:
        UserError: Two sources contradict each other, or something is stated by none; it is named.
    """
    merged: dict[str, Any] = {}
    by: dict[str, Stated] = {}
    for source in sorted(sources, key=lambda each: (each.rounding.absolute, each.rounding.relative)):
        for entry in fields(Stated):
            value = getattr(source, entry.name)
            if entry.name in ("source", "rounding") or value is None:
                continue
            if entry.name not in merged:
                merged[entry.name], by[entry.name] = value, source
            else:
                _agree(entry.name, merged[entry.name], value, by[entry.name], source)
    missing = [words for name, words in _NEEDED.items() if name not in merged]
    names = {term.name for term in merged.get("terms", ())}
    missing += [f"observation: scale of {term.theirs}" for term in merged.get("terms", ()) if term.scale is None]
    missing += ["commands"] if "command" in names and "commands" not in merged else []
    missing += ["phase_frequency"] if "phase" in names and "phase_frequency" not in merged else []
    if missing:
        said = ", ".join(source.source for source in sources)
        raise UserError(f"{said}: not stated: {'; '.join(missing)}. State it in the YAML of --from")
    coarsest = max((each.rounding for each in sources), key=lambda each: (each.absolute, each.relative))
    return Stated(source=", ".join(each.source for each in sources), rounding=coarsest, **merged)


def _agree(name: str, first: Any, second: Any, by: Stated, other: Stated) -> None:  # noqa: ANN401 - of any field
    """Refuse two values of one fact that differ by more than the rounding of the coarser source."""
    if name == "terms":
        return _terms_agree(first, second, by, other)
    if _same(first, second, other.rounding):
        return None
    if isinstance(first, tuple) and len(first) == len(second):
        index = next(at for at, pair in enumerate(zip(first, second, strict=True)) if not _same(*pair, other.rounding))
        first, second, name = first[index], second[index], f"{name}, entry {index}"
    raise UserError(f"{name}: {by.source} says {first}, {other.source} says {second}")


def _terms_agree(first: tuple[Term, ...], second: tuple[Term, ...], by: Stated, other: Stated) -> None:
    ours, theirs = [term.name for term in first], [term.name for term in second]
    if ours != theirs:
        raise UserError(f"observation: {by.source} says {', '.join(ours)}; {other.source} says {', '.join(theirs)}")
    for one, two in zip(first, second, strict=True):
        if two.scale is not None and one.scale is not None and not _same(one.scale, two.scale, other.rounding):
            raise UserError(f"scale of {one.theirs}: {by.source} says {one.scale}, {other.source} says {two.scale}")


def _same(a: Any, b: Any, rounding: Rounding) -> bool:  # noqa: ANN401 - of any field
    if isinstance(a, tuple) and isinstance(b, tuple):
        if len(a) != len(b) and 1 in (len(a), len(b)):  # one for all
            a, b = a * (len(b) if len(a) == 1 else 1), b * (len(a) if len(b) == 1 else 1)
        return len(a) == len(b) and all(_same(x, y, rounding) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float):
        return rounding.same(a, b)
    return bool(a == b)
