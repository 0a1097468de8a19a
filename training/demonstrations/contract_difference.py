"""The first difference between two contracts by which the numbers of one mean something else in the other."""

from typing import Final

from sim2real.runtime.contract.part import Part
from sim2real.runtime.contract.spec import Contract

_ONE_VALUE: Final = ("control_rate", "phase_frequency")


def contract_difference(theirs: Contract, ours: Contract, *, observation: bool = True) -> str | None:
    """Return the first difference as `part: theirs A, here B`, or None.

    Joints, control rate, phase, commands, action, and the terms of the observation must agree; gains, limits and the
    ranges seen in training need not.

    Args:
        theirs: The contract of the demonstrations or of the teacher.
        ours: The contract to be learned for.
        observation: Whether observations are compared, too.
    """
    theirs, ours = theirs.without_ranges(), ours.without_ranges()
    if theirs.joint_names != ours.joint_names:
        return _line("joints", ", ".join(theirs.joint_names), ", ".join(ours.joint_names))
    for name in _ONE_VALUE:
        one, other = getattr(theirs, name), getattr(ours, name)
        if one != other:
            return _line(name, one, other)
    one, other = ([command.name for command in each.commands] for each in (theirs, ours))
    if one != other:
        return _line("commands", ", ".join(one) or "none", ", ".join(other) or "none")
    if theirs.action != ours.action:
        return _of_part("action", theirs.action, ours.action)
    return _of_observation(theirs, ours) if observation else None


def _of_observation(theirs: Contract, ours: Contract) -> str | None:
    one, other = ([entry.term for entry in each.observation] for each in (theirs, ours))
    if one != other:
        return _line("observation", ", ".join(one), ", ".join(other))
    for mine, yours in zip(theirs.observation, ours.observation, strict=True):
        if mine != yours:
            return _of_part(f"observation.{mine.term}", mine, yours)
    return None


def _of_part(name: str, theirs: Part, ours: Part) -> str:
    """Return the first field of two parts that differ."""
    fields = type(theirs).model_fields
    key = next(key for key in fields if getattr(theirs, key) != getattr(ours, key))
    return _line(f"{name}.{key}", getattr(theirs, key), getattr(ours, key))


def _line(name: str, theirs: object, ours: object) -> str:
    return f"{name}: there {theirs}, here {ours}"
