"""Records one episode of a robot that runs by itself, and evaluates it as a simulated one."""

from typing import Final

import numpy as np

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.runtime.contract.spec import Contract
from sim2real.task.evaluator import EpisodeEvaluator
from sim2real.task.state import Float32Array, TaskState

_ROW: Final = np.zeros(1, np.intp)


class EpisodeRecorder:
    """Evaluates the ticks of one robot: in each it reads its state and acts.

    The first tick begins the episode. Each following one ends a control step: the state that was read in it is what the
    action of the tick before led to, and is evaluated with that action and its command. So k + 1 ticks are k steps, as
    in simulation.

    Args:
        task: The task.
        contract: Its contract.
        state: The robot's state, of one row: the caller brings it up to date before every tick.
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
        """Whether the episode is over; further ticks are not taken."""
        return bool(self._evaluator.terminated[0] or self._evaluator.truncated[0])

    @property
    def clock(self) -> Float64Array:
        """Time since the episode began, in the tick that comes next, (1, 1), s."""
        steps = int(self._evaluator.episodes.length[0]) + int(self.began)
        return np.full((1, 1), steps * self._period)

    def tick(
        self, action: Float32Array, target: Float64Array, command: Float64Array, asked_anew: BoolArray | None = None
    ) -> None:
        """Take in one tick, whose state has been read.

        Args:
            action: Clipped, filtered action that was made in this tick, (A,).
            target: Joint efforts or positions that the contract made of it, (J,), N·m or rad.
            command: What the operator asked of the policy in this tick, (C,), SI units.
            asked_anew: Whether that is a new command, (1,).

        Raises:
            ValueError: The episode is over.
        """
        if self.ended:
            raise ValueError("the episode is over")
        state = self._state
        if self.began:
            self._evaluator.step(asked_anew=asked_anew)
        self.began = True
        np.copyto(state.previous_action, state.action)
        state.action[0], state.command[0] = action, command
        if self._by_effort:
            state.effort[0] = target

    def figures(self) -> dict[str, float]:
        """Return the figures of the episode, by the names of a simulated one's; one that was cut short terminated.

        They are `return`, `length`, `success`, `terminated`, `performance`, `reward/NAME` and `metric/NAME`; a metric
        that had nothing to measure is NaN.
        """
        evaluator = self._evaluator
        np.logical_not(evaluator.truncated, out=evaluator.terminated)
        evaluator.finish(_ROW)
        return {name: float(values[0]) for name, values in evaluator.episodes.drain().items() if name != "diverged"}
