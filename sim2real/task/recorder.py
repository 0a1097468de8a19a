"""Evaluates one episode of a robot outside the batch simulation, tick by tick."""

from typing import Final

import numpy as np

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.runtime.contract.spec import Contract
from sim2real.task.evaluator import EpisodeEvaluator
from sim2real.task.state import Float32Array, TaskState

_ROW: Final = np.zeros(1, np.intp)


class EpisodeRecorder:
    """Evaluates the ticks of one robot. In each tick the robot reads its state, then acts.

    The first tick begins the episode. Each later tick ends a control step: its state is the result of the previous
    tick's action, and is evaluated with that action and command. So k + 1 ticks are k steps, as in simulation.

    Args:
        task: The task.
        contract: Its contract.
        state: The robot's state, one row; the caller updates it before each tick.
        length_max: Control steps of the episode.
    """

    def __init__(self, task: TaskConfig, contract: Contract, state: TaskState, length_max: int) -> None:
        self._state, self._evaluator = state, EpisodeEvaluator(task, contract, state, length_max=length_max)
        self._by_effort = task.action.target == "effort"
        self._period = 1.0 / task.control_rate
        self.began = False
        """Whether there has been a tick."""

    @property
    def ended(self) -> bool:
        """Whether the episode is over; further ticks are refused."""
        return bool(self._evaluator.terminated[0] or self._evaluator.truncated[0])

    @property
    def clock(self) -> Float64Array:
        """Time of the next tick since the episode began, (1, 1), s."""
        steps = int(self._evaluator.episodes.length[0]) + int(self.began)
        return np.full((1, 1), steps * self._period)

    def tick(
        self,
        action: Float32Array,
        target: Float64Array,
        command: Float64Array,
        command_changed: BoolArray | None = None,
    ) -> None:
        """Add one tick, after its state has been read.

        Args:
            action: Clipped, filtered action of this tick, (A,).
            target: The action's joint targets, (J,): effort, N·m, or position, rad.
            command: Operator commands of this tick, (C,), SI units.
            command_changed: Whether the commands changed, (1,).

        Raises:
            ValueError: The episode is over.
        """
        if self.ended:
            raise ValueError("the episode is over")
        state = self._state
        if self.began:
            self._evaluator.step(command_changed=command_changed)
        self.began = True
        np.copyto(state.previous_action, state.action)
        state.action[0], state.command[0] = action, command
        if self._by_effort:
            state.effort[0] = target

    def figures(self) -> dict[str, float]:
        """Return the figures of the episode, named as in simulation; one that was cut short counts as terminated.

        They are `return`, `length`, `success`, `terminated`, `performance`, `reward/NAME`, `metric/NAME` and
        `end/NAME`; a metric without any measurement is NaN.
        """
        evaluator = self._evaluator
        np.logical_not(evaluator.truncated, out=evaluator.terminated)
        evaluator.finish(_ROW)
        return {name: float(values[0]) for name, values in evaluator.episodes.drain().items() if name != "diverged"}
