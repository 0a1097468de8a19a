"""Recorded joints through the contract, tick by tick: the observations of a policy, and the actions it should give."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.observation import Float32Array, ObservationPipeline
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.training.demonstrations.demonstrations import Demonstrations
from sim2real.training.demonstrations.joint_recording import JointRecording

_TOGETHER: Final = 256
"""Episodes that go through the contract side by side: bounds the buffers."""
_ROUNDING: Final = 1e-4
"""An action that is so little beyond the clip was rounded to there: recordings are float32, encoders have counts."""


def steps_of(recording: JointRecording, contract: Contract, source: str) -> tuple[Demonstrations, float]:
    """Compute what the policy would have seen, and by which actions the joints get their goals.

    An episode begins as in simulation: without a last action, with the targets where the joints are. The action of a
    tick is the one from which the contract, target = offset + scale · filtered(clip(action)), makes the recorded goal,
    or comes as near as the clip allows; what it makes of it is what the next observation shows.

    Args:
        recording: Episodes at the control rate.
        contract: `check_recordable` accepts it.
        source: Where they are from.

    Returns:
        The demonstrations, and the share of the actions' numbers that were clipped.
    """
    lengths = recording.lengths
    firsts = np.cumsum(lengths) - lengths
    observation = np.zeros((lengths.sum(), contract.observation_size), np.float32)
    action = np.zeros((lengths.sum(), contract.action_size), np.float32)
    clipped = 0
    for begin in range(0, len(lengths), _TOGETHER):
        first, length = (each[begin : begin + _TOGETHER] for each in (firsts, lengths))
        replay = _Replay(recording, first, contract)
        for tick in range(int(length.max())):
            going = tick < length
            rows = first + np.minimum(tick, length - 1)  # an episode that has ended stays in its last tick
            step = replay.step(rows, tick)
            observation[rows[going]], action[rows[going]] = step.observation[going], step.action[going]
            clipped += int(np.count_nonzero(step.clipped[going]))
    begins = np.zeros(len(action), np.bool_)
    begins[firsts] = True
    demonstrations = Demonstrations(source, observation, action, begins, contract.without_ranges())
    return demonstrations, clipped / action.size


class _Step(NamedTuple):
    """One tick of n episodes."""

    observation: Float32Array
    """(n, O)"""
    action: Float32Array
    """Within the clip, (n, A)."""
    clipped: BoolArray
    """Which numbers of the actions would have to be beyond it, (n, A)."""


class _Replay:
    """n episodes side by side in the contract's pipelines, from their first rows, (n,), on."""

    def __init__(self, recording: JointRecording, first: NDArray[np.int64], contract: Contract) -> None:
        spec, n = contract.action, len(first)
        self._recording: Final = recording
        self._period: Final = 1.0 / contract.control_rate
        self._offset, self._scale = np.array(spec.offset), np.array(spec.scale)
        self._relative, self._keep = spec.relative, spec.smoothing
        self._clip = np.full(len(spec.scale), spec.clip)
        if spec.relative and spec.step:  # a relative target goes as far as its action says
            self._clip = np.minimum(self._clip, np.array(spec.step) / self._scale)
        self._observations: Final = ObservationPipeline(contract, n)
        self._actions: Final = ActionPipeline(contract, n)
        self._actions.reset(position=recording.position[first])
        self._signals: Final = Signals.of(contract, n)
        self._signals.joint_target = self._actions.target

    def step(self, rows: NDArray[np.int64], tick: int) -> _Step:
        """Take one tick: these rows of the recording, (n,)."""
        signals, recording = self._signals, self._recording
        signals.joint_position[:], signals.joint_velocity[:] = recording.position[rows], recording.velocity[rows]
        signals.clock[:] = tick * self._period
        observation = self._observations.observe(signals, self._actions.last_action).copy()
        wanted = self._action_for(recording.goal[rows])
        action = np.clip(wanted, -self._clip, self._clip).astype(np.float32)
        self._actions.apply(action)
        return _Step(observation, action, np.abs(wanted) > self._clip + _ROUNDING)

    def _action_for(self, goal: Float64Array) -> Float64Array:
        """Return the actions that give these targets, (n, A), whatever the clip."""
        filtered = (goal - (self._actions.target if self._relative else self._offset)) / self._scale
        action: Float64Array = (filtered - self._keep * self._actions.last_action) / (1.0 - self._keep)
        return action
