"""What joints did and were told, episode by episode, and for which tasks that is enough."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim2real.configs.errors import UserError
from sim2real.configs.schema.observation import OBSERVATION_TERMS
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.observation_term import find_term
from sim2real.runtime.contract.spec import Contract

_RECORDED: Final = frozenset({"joint_position", "joint_velocity", "position_targets", "phase", "tip"})
"""Readings and needs of a term: the clock begins with the episode, and positions give the tip."""


@dataclass(frozen=True)
class JointRecording:
    """N control periods of E episodes, one after the other, in the order of the contract's joints."""

    position: Float64Array
    """(N, J), rad"""
    velocity: Float64Array
    """(N, J), rad/s"""
    goal: Float64Array
    """Position targets that were sent after each reading, (N, J), rad."""
    lengths: NDArray[np.int64]
    """Control periods of each episode, (E,); N in all."""


def check_recordable(contract: Contract, source: str) -> None:
    """Refuse a contract whose observations or actions recorded joints do not give.

    Raises:
        UserError: It acts by effort, or a term needs something else; names the term and those that are valid.
    """
    if contract.action.target != "position":
        raise UserError(
            f"{source}: holds position targets, and an action of this task is an {contract.action.target} target; "
            "valid: a task with action.target: position"
        )
    for entry in contract.observation:
        if lacking := _lacking(entry.term):
            valid = [name for name in OBSERVATION_TERMS.working()[0] if not _lacking(name)]
            raise UserError(
                f"{source}: holds joint positions and their targets; the observation term {entry.term!r} needs "
                f"{lacking}; valid: {', '.join(valid)}"
            )


def _lacking(name: str) -> str:
    """Return what a term needs that is not recorded; empty for nothing."""
    term = find_term(name)
    return ", ".join(each.replace("_", " ") for each in (*term.readings, *term.needs) if each not in _RECORDED)
