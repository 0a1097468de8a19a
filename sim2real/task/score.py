"""The task's reward of a recorded run: the same terms that train the policy, on what the robot measured."""

from typing import Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract, contract_of
from sim2real.task.state import Float32Array, TaskConstants, TaskState
from sim2real.task.terms import Terms

_MEASURED: Final = frozenset({"effort", "tip"})
"""What terms may need that a robot measures: joint efforts, and its tip, by its joint positions."""


def score(task: TaskConfig, signals: Signals, target: Float64Array, action: Float32Array) -> dict[str, float]:
    """Return the reward of a run, in total and by term.

    Args:
        task: Gives the terms and their weights.
        signals: Readings of T control steps, one row a step, and the commands given.
        target: Joint efforts or positions that the contract made of the actions, (T, J), N·m or rad.
        action: Clipped, filtered actions, (T, A).

    Returns:
        `return`, and `reward/TERM` for every term, summed over the steps as in simulation.

    Raises:
        UserError: A term needs what no robot measures.
    """
    known = Terms.of(task).rewards
    unmeasured = [entry.term for entry in task.rewards if not set(known[entry.term].needs) <= _MEASURED]
    if unmeasured:
        raise UserError(f"task {task.name!r}: {', '.join(unmeasured)} cannot be scored without simulation")
    contract, constants = contract_of(task), TaskConstants.of(task)
    state = TaskState(
        position=signals.joint_position,
        velocity=signals.joint_velocity,
        effort=target if task.action.target == "effort" else signals.joint_effort,
        action=action,
        previous_action=np.vstack([np.zeros_like(action[:1]), action[:-1]]),
        goal_error=Goal(contract, len(action)).distance(signals),
        previous_velocity=np.vstack([signals.joint_velocity[:1], signals.joint_velocity[:-1]]),
        command=signals.command,
    )
    if contract.robot.tip is not None:
        _add_tip(state, contract, signals)
    terms = {
        f"reward/{entry.term}": float(known[entry.term](state, constants, entry.scale).sum())
        * entry.weight
        / task.control_rate
        for entry in task.rewards
    }
    return {"return": sum(terms.values())} | terms


def _add_tip(state: TaskState, contract: Contract, signals: Signals) -> None:
    """Add where the tip was, by the joint positions, and how it moved from step to step."""
    tip = Kinematics(contract.robot, len(signals.joint_position)).tip(signals.joint_position)
    state.tip_velocity = np.diff(tip, axis=0, prepend=tip[:1]) * contract.control_rate
    if contract.tip_columns:
        state.tip_offset = signals.command[:, list(contract.tip_columns)] - tip
