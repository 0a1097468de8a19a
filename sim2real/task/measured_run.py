"""A logged run of a robot, evaluated from its readings as an episode of its task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim2real.configs.schema.command import TipCommandsConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract, contract_of
from sim2real.runtime.log import signals_of
from sim2real.runtime.tick_fields import FIELD, array_of
from sim2real.task.measured_state import MeasuredState
from sim2real.task.recorder import EpisodeRecorder
from sim2real.task.state import Float32Array


@dataclass(frozen=True)
class MeasuredRun:
    """T ticks in which a policy ran."""

    signals: Signals
    """Readings and operator commands of each tick."""
    action: Float32Array
    """Clipped, filtered actions, (T, A)."""
    target: Float64Array
    """Joint targets of the actions, (T, J): efforts, N·m, or positions, rad."""

    @classmethod
    def of_log(cls, ticks: Sequence[Mapping[str, Any]], contract: Contract) -> "MeasuredRun":
        """Return the run of a log; ticks in which the policy did not run are left out."""
        ran = [tick for tick in ticks if tick["ran"]]
        joints = len(contract.robot.joints)
        target = array_of(FIELD["target"], [tick["target"] for tick in ran]).reshape(-1, joints)
        return cls(signals_of(ran), _applied(ran, contract), target)

    def evaluate(self, task: TaskConfig) -> dict[str, float]:
        """Return the figures of the run as one episode, those of `EpisodeRecorder.figures`.

        The episode ends with the run or at a termination of the task: T ticks are T - 1 steps.

        Raises:
            UserError: A term of the task needs a quantity that no robot measures.
        """
        contract = contract_of(task)
        measured = MeasuredState(task, contract)
        recorder = EpisodeRecorder(task, contract, measured.state, max(len(self.action) - 1, 1))
        # A target that always moves never counts as new: see `TipCommands`.
        source = task.command_source
        moves = isinstance(source, TipCommandsConfig) and source.speed is not None
        for row, (action, target) in enumerate(zip(self.action, self.target, strict=True)):
            command = self.signals.command[row]
            command_changed = None if moves else np.any(measured.state.command != command, axis=1)
            measured.read(self.signals, row)
            recorder.tick(action, target, command, command_changed)
            if recorder.ended:
                break
        return recorder.figures()


def _applied(ticks: Sequence[Mapping[str, Any]], contract: Contract) -> Float32Array:
    """Return the logged actions of a policy as the contract clipped, filtered and bounded them, (T, A)."""
    pipeline = ActionPipeline(contract, 1)
    applied = np.zeros((len(ticks), contract.action_size), np.float32)
    for row, tick in enumerate(ticks):
        if tick["reset"]:
            position = array_of(FIELD["position"], [tick["position"]])
            pipeline.reset(position=position if row else None)
        action = array_of(FIELD["action"], [tick["action"]])
        if np.isfinite(action).all():  # the loop hands no other action to the contract
            pipeline.apply(action)
        applied[row] = pipeline.last_action[0]
    return applied
