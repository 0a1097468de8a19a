"""How readings err: gain and bias of an episode, white noise of a tick, the resolution of the registers."""

import numpy as np

from configs.schema.randomization import NoiseConfig
from configs.schema.robot import RobotConfig
from hardware.types import Float64Array
from sim2real.model import Indices


class ReadingNoise:
    """Noise of one group of readings of n robots: o = o₀·(1 + gain) + bias + white, then rounded to the resolution.

    Gain and bias are correlated noise, drawn once per episode; white noise is drawn every tick (arXiv 1910.07113,
    appendix B).

    Args:
        n: Number of robots.
        gain: Standard deviation of the gain error.
        bias: Standard deviation of the bias, in the reading's unit.
        white: Standard deviation of the white noise, in the reading's unit.
        resolution: Size of one register count for every joint, (J,); 0 leaves the readings unrounded.
    """

    def __init__(self, n: int, gain: float, bias: float, white: float, resolution: Float64Array) -> None:
        joints = len(resolution)
        self._rounds = bool(np.all(resolution > 0.0))
        self._gain_std, self._bias_std, self._white_std = gain, bias, np.float32(white)
        self._resolution = resolution
        self._factor = np.ones((n, joints))
        self._bias = np.zeros((n, joints))
        self._white = np.zeros((n, joints), np.float32)

    def begin(self, ids: Indices, rng: np.random.Generator) -> None:
        """Draw the gain and bias errors of new episodes."""
        shape = (len(ids), self._bias.shape[1])
        if self._gain_std > 0.0:
            self._factor[ids] = 1.0 + self._gain_std * rng.standard_normal(shape)
        if self._bias_std > 0.0:
            self._bias[ids] = self._bias_std * rng.standard_normal(shape)

    def apply(self, values: Float64Array, rng: np.random.Generator) -> None:
        """Turn true values of all robots, (n, J), into readings, in place."""
        if self._white_std > 0.0:
            rng.standard_normal(out=self._white, dtype=np.float32)
            np.multiply(self._white, self._white_std, out=self._white)
        self._read(values, self._factor, self._bias, self._white)

    def first(self, ids: Indices, values: Float64Array, rng: np.random.Generator) -> None:
        """Turn true values of some robots, (k, J), into readings, in place."""
        white = self._white_std * rng.standard_normal(values.shape, dtype=np.float32)
        self._read(values, self._factor[ids], self._bias[ids], white)

    def state_dict(self) -> dict[str, Float64Array]:
        """Return the errors of the running episodes."""
        return {"factor": self._factor.copy(), "bias": self._bias.copy()}

    def load_state_dict(self, state: dict[str, Float64Array]) -> None:
        """Take over the errors that `state_dict` returned."""
        self._factor[...] = state["factor"]
        self._bias[...] = state["bias"]

    def _read(self, values: Float64Array, factor: Float64Array, bias: Float64Array, white: np.ndarray) -> None:
        if self._gain_std > 0.0:
            np.multiply(values, factor, out=values)
        if self._bias_std > 0.0:
            np.add(values, bias, out=values)
        if self._white_std > 0.0:
            np.add(values, white, out=values)
        if self._rounds:
            quantize(values, self._resolution)


def quantize(values: Float64Array, resolution: Float64Array) -> None:
    """Round to whole register counts, in place."""
    np.divide(values, resolution, out=values)
    np.rint(values, out=values)
    np.multiply(values, resolution, out=values)


def register_resolution(robot: RobotConfig) -> dict[str, Float64Array]:
    """Return the size of one register count for every joint, (J,), by group of readings, SI units."""
    motors = [joint.motor for joint in robot.joints.values()]
    effort = np.array([motor.effort_unit for motor in motors])
    return {
        "joint_position": np.array([2.0 * np.pi / motor.counts_per_revolution for motor in motors]),
        "joint_velocity": np.array([motor.velocity_unit for motor in motors]),
        "joint_effort": effort,
    }


def reading_noises(n: int, noise: NoiseConfig, robot: RobotConfig) -> dict[str, ReadingNoise]:
    """Return the noise of every group of readings."""
    resolution = register_resolution(robot)
    return {
        group: ReadingNoise(n, entry.gain, entry.bias, entry.white, resolution[group] * float(noise.quantize))
        for group, entry in (
            ("joint_position", noise.joint_position),
            ("joint_velocity", noise.joint_velocity),
            ("joint_effort", noise.joint_effort),
        )
    }
