"""What is measured of an episode beside its reward: how well it tracked what was asked, in SI units."""

from typing import Any, Final, Protocol

import numpy as np

from configs.schema.task import MetricName, TaskConfig
from hardware.types import BoolArray, Float64Array
from sim2real.model import Indices
from sim2real.task_state import TaskConstants, TaskState, asked, stands_still
from sim2real.terms import VELOCITY_COMMANDS, Need

_SETTLING: Final = 1.0  # s after a new command that do not count
_TIP_SETTLING: Final = 1.5  # s


class Metric(Protocol):
    """Measures the running episodes of n environments."""

    names: tuple[str, ...]
    """Of its figures."""

    def add(self, state: TaskState, asked_anew: BoolArray | None) -> None:
        """Take in one control step; `asked_anew` tells who was given new commands after it, (n,)."""

    def begin(self, ids: Indices) -> None:
        """Forget what was measured of some episodes."""

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the figures of k ended episodes, (k,) each, NaN where nothing was measured."""

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""


class _Sums:
    """Named arrays that start at zero, with their place in a checkpoint."""

    def __init__(self, **arrays: Float64Array) -> None:
        self.arrays = arrays

    def clear(self, rows: Indices | BoolArray) -> None:
        for array in self.arrays.values():
            array[rows] = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {name: array.copy() for name, array in self.arrays.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, array in self.arrays.items():
            array[...] = state[name]


class VelocityError:
    """|Mean velocity - command| over the time that a command is held, its first second left out.

    A walking body sways; what counts is where it gets to. Of several commands in an episode the mean counts, each for
    as long as it was measured.
    """

    names: tuple[str, ...] = ("forward_error", "left_error", "turn_error")

    def __init__(self, n: int, constants: TaskConstants) -> None:
        self._constants = constants
        self._settling = round(_SETTLING * constants.control_rate)
        self._sums = _Sums(age=np.zeros(n), error=np.zeros((n, 3)), count=np.zeros(n), total=np.zeros((n, 3)))
        self._counted = _Sums(count=np.zeros(n))

    def add(self, state: TaskState, asked_anew: BoolArray | None) -> None:
        """Take in one control step."""
        sums = self._sums.arrays
        velocity = np.stack((state.base.velocity[:, 0], state.base.velocity[:, 1], state.base.yaw_rate), axis=1)
        settled = sums["age"] >= self._settling
        sums["error"] += (velocity - asked(state, self._constants, *VELOCITY_COMMANDS)) * settled[:, None]
        sums["count"] += settled
        sums["age"] += 1.0
        if asked_anew is not None:
            self._close(np.flatnonzero(asked_anew))

    def begin(self, ids: Indices) -> None:
        """Forget what was measured of some episodes."""
        self._sums.clear(ids)
        self._counted.clear(ids)

    def _close(self, ids: Indices) -> None:
        """Count the commands of some robots as over."""
        sums = self._sums.arrays
        sums["total"][ids] += np.abs(sums["error"][ids])
        self._counted.arrays["count"][ids] += sums["count"][ids]
        sums["error"][ids] = 0.0
        sums["count"][ids] = 0.0
        sums["age"][ids] = 0.0

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the mean errors, m/s, m/s, rad/s."""
        self._close(ids)
        count = self._counted.arrays["count"][ids]
        with np.errstate(invalid="ignore"):
            means = self._sums.arrays["total"][ids] / np.where(count > 0.0, count, np.nan)[:, None]
        return {name: means[:, column] for column, name in enumerate(self.names)}

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""
        return {"sums": self._sums.state_dict(), "counted": self._counted.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._sums.load_state_dict(state["sums"])
        self._counted.load_state_dict(state["counted"])


class FootLift:
    """Mean of the highest point of each swing over all feet, m, while the robot is asked to move."""

    names: tuple[str, ...] = ("foot_lift",)

    def __init__(self, n: int, constants: TaskConstants, feet: int) -> None:
        self._columns = [constants.commands[name] for name in VELOCITY_COMMANDS]
        self._sums = _Sums(peak=np.zeros((n, feet)), swinging=np.zeros((n, feet)), total=np.zeros(n), count=np.zeros(n))

    def add(self, state: TaskState, _asked_anew: BoolArray | None) -> None:
        """Take in one control step."""
        sums = self._sums.arrays
        swinging = state.feet.wanted > 0.0
        ended = (sums["swinging"] > 0.0) & ~swinging & ~stands_still(state.command[:, self._columns])[:, None]
        sums["total"] += (sums["peak"] * ended).sum(axis=1)
        sums["count"] += ended.sum(axis=1)
        sums["peak"][...] = np.maximum(sums["peak"], state.feet.height) * swinging
        sums["swinging"][...] = swinging

    def begin(self, ids: Indices) -> None:
        """Forget what was measured of some episodes."""
        self._sums.clear(ids)

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the mean lift, m."""
        count = self._sums.arrays["count"][ids]
        mean = self._sums.arrays["total"][ids] / np.where(count > 0.0, count, np.nan)
        return {"foot_lift": mean}

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""
        return self._sums.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._sums.load_state_dict(state)


class _SettledMean:
    """Mean of one figure over an episode, the time after each new command left out."""

    name = ""
    settling = 0.0

    def __init__(self, n: int, constants: TaskConstants) -> None:
        self.names: tuple[str, ...] = (self.name,)
        self._settling = round(self.settling * constants.control_rate)
        self._constants = constants
        self._sums = _Sums(age=np.zeros(n), total=np.zeros(n), count=np.zeros(n))

    def measure(self, state: TaskState) -> Float64Array:
        """Return the figure of this step, (n,)."""
        raise NotImplementedError

    def add(self, state: TaskState, asked_anew: BoolArray | None) -> None:
        """Take in one control step."""
        sums = self._sums.arrays
        settled = sums["age"] >= self._settling
        sums["total"] += self.measure(state) * settled
        sums["count"] += settled
        sums["age"] += 1.0
        if asked_anew is not None:
            sums["age"][asked_anew] = 0.0

    def begin(self, ids: Indices) -> None:
        """Forget what was measured of some episodes."""
        self._sums.clear(ids)

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the means."""
        count = self._sums.arrays["count"][ids]
        mean = self._sums.arrays["total"][ids] / np.where(count > 0.0, count, np.nan)
        return {self.name: mean}

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""
        return self._sums.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._sums.load_state_dict(state)


class TipError(_SettledMean):
    """Mean distance of the tip from where it should be, m, from 1.5 s after each new target on."""

    name = "tip_error"
    settling = _TIP_SETTLING

    def measure(self, state: TaskState) -> Float64Array:
        """Return the distance, m."""
        distance: Float64Array = np.sqrt(np.square(state.tip_offset).sum(axis=1))
        return distance


class HopError:
    """Mean |apex - commanded height| over the hops of an episode, m: an apex is where a rising robot begins to fall."""

    names: tuple[str, ...] = ("hop_error", "hops")

    def __init__(self, n: int, constants: TaskConstants) -> None:
        self._constants = constants
        self._sums = _Sums(rising=np.zeros(n), total=np.zeros(n), count=np.zeros(n))

    def add(self, state: TaskState, _asked_anew: BoolArray | None) -> None:
        """Take in one control step."""
        sums = self._sums.arrays
        rising = state.rail_velocity > 0.0
        apex = (sums["rising"] > 0.0) & ~rising & (state.rail_height > _HOP_MIN)
        error = np.abs(state.rail_height - asked(state, self._constants, "height")[:, 0])
        sums["total"] += error * apex
        sums["count"] += apex
        sums["rising"][...] = rising

    def begin(self, ids: Indices) -> None:
        """Forget what was measured of some episodes."""
        self._sums.clear(ids)

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the mean error, m, and how many hops there were."""
        count = self._sums.arrays["count"][ids].copy()
        mean = self._sums.arrays["total"][ids] / np.where(count > 0.0, count, np.nan)
        return {"hop_error": mean, "hops": count}

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""
        return self._sums.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._sums.load_state_dict(state)


_HOP_MIN: Final = 0.02  # m above standing that make a hop

METRIC_NEEDS: dict[str, tuple[Need, ...]] = {
    "velocity_error": ("base", "velocity_commands"),
    "foot_lift": ("base", "feet", "gait", "velocity_commands"),
    "tip_error": ("tip",),
    "hop_error": ("rail", "height_command"),
}


def make_metric(name: MetricName, n: int, task: TaskConfig, constants: TaskConstants) -> Metric:
    """Return a metric of n environments."""
    if name == "foot_lift":
        return FootLift(n, constants, len(task.robot.feet))
    kinds: dict[str, type[VelocityError] | type[TipError] | type[HopError]] = {
        "velocity_error": VelocityError,
        "tip_error": TipError,
        "hop_error": HopError,
    }
    return kinds[name](n, constants)
