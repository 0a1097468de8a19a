"""The command lines for all controllers of a bus: mode, and the ten registers of position mode as floats."""

import math
from collections.abc import Sequence

import numpy as np

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.moteus.frame import Kind, Resolution, encode_head, encode_values
from sim2real.hardware.moteus.lines import encode_send
from sim2real.hardware.moteus.schema import registers_of
from sim2real.hardware.moteus.tables import Mode
from sim2real.hardware.types import JointCommand

STOP = encode_values(Kind.WRITE, 0x000, [Mode.STOPPED], Resolution.INT8)
"""Switches torque off, and clears faults and time-outs."""

_COMMAND = 0x020
_COLUMNS = 10  # position, velocity, feed-forward, kp and kd scale, torque limit, stop, timeout, two limits
_POSITION, _VELOCITY, _EFFORT, _KP, _KD, _TORQUE_MAX, _STOP, _TIMEOUT, _LIMITS = range(9)
_NO_LIMIT = -1.0  # negative: no limit; otherwise the default acceleration limit would turn every target into a ramp
_HEAD = encode_values(Kind.WRITE, 0x000, [Mode.POSITION], Resolution.INT8) + encode_head(
    Kind.WRITE, _COMMAND, _COLUMNS, Resolution.FLOAT
)


_KD_SCALE = 0x024


class CommandLines:
    """One `can send` line per controller, all sent at once.

    Motor angle = direction * joint angle + zero, in revolutions. The controller multiplies its configured kp (N·m/rev)
    and kd (N·m·s/rev) by the scales in the command.
    """

    def __init__(self, joints: Sequence[JointConfig], watchdog: float) -> None:
        """Prepare the lines.

        Args:
            joints: The joints, in bus order.
            watchdog: Time without commands after which a controller stops by itself, s.
        """
        self._ids = [joint.id for joint in joints]
        direction = np.array([joint.direction for joint in joints], np.float64)
        self._direction = direction
        self._turn = direction / math.tau
        self._zero_given = np.array([joint.zero / math.tau for joint in joints])
        self._zero = self._zero_given.copy()
        gains = [registers_of(joint.motor) for joint in joints]
        self._kp = np.array([math.tau / gain.kp for gain in gains])
        self._kd = np.array([math.tau / gain.kd for gain in gains])
        self._stiffness = np.array([joint.stiffness for joint in joints])
        self._damping = np.array([joint.damping for joint in joints])
        self._scratch = np.zeros(len(joints))
        self._values = np.zeros((len(joints), _COLUMNS), "<f4")
        self._values[:, _TORQUE_MAX] = [joint.effort_limit for joint in joints]
        self._values[:, _STOP] = math.nan
        self._values[:, _TIMEOUT] = watchdog
        self._values[:, _LIMITS:] = _NO_LIMIT

    def set_turns(self, turns: Sequence[int]) -> None:
        """Set the turns that are added to each controller's reading, and so subtracted from its targets."""
        np.subtract(self._zero_given, turns, out=self._zero)

    def set_targets(self, command: JointCommand) -> None:
        """Set the targets from a finite command."""
        values, scratch = self._values, self._scratch
        np.multiply(command.position, self._turn, out=scratch)
        np.add(scratch, self._zero, out=scratch)
        values[:, _POSITION] = scratch
        np.multiply(command.velocity, self._turn, out=scratch)
        values[:, _VELOCITY] = scratch
        np.multiply(command.effort, self._direction, out=scratch)
        values[:, _EFFORT] = scratch
        np.multiply(command.stiffness, self._kp, out=scratch)
        values[:, _KP] = scratch
        np.multiply(command.damping, self._kd, out=scratch)
        values[:, _KD] = scratch

    def hold(self, index: int, turns: float) -> bytes:
        """Return the data that commands one controller to its present position, rev, with zero gains and effort."""
        values = self._values[index].copy()
        values[:_TORQUE_MAX] = (turns, 0.0, 0.0, 0.0, 0.0)
        row: bytes = values.tobytes()
        return _HEAD + row

    def stops(self, checksum: bool) -> bytes:
        """Return the lines that stop all controllers."""
        return b"".join(encode_send(motor, STOP, checksum) for motor in self._ids)

    def damps(self, checksum: bool) -> bytes:
        """Return the lines that make all controllers damp for ever, with the joint's damping or else their own."""
        scales = np.where(self._damping > 0.0, self._damping * self._kd, 1.0)
        mode = encode_values(Kind.WRITE, 0x000, [Mode.ZERO_VELOCITY], Resolution.INT8)
        return b"".join(
            encode_send(motor, mode + encode_values(Kind.WRITE, _KD_SCALE, [float(scale)], Resolution.FLOAT), checksum)
            for motor, scale in zip(self._ids, scales, strict=True)
        )

    def holds(self, checksum: bool) -> bytes:
        """Return the lines that make all controllers hold their positions for ever, with the joint's gains."""
        values = self._values.copy()
        values[:, _POSITION] = values[:, _TIMEOUT] = math.nan  # the present position; no timeout
        values[:, _VELOCITY] = values[:, _EFFORT] = 0.0
        values[:, _KP] = np.where(self._stiffness > 0.0, self._stiffness * self._kp, 1.0)
        values[:, _KD] = np.where(self._damping > 0.0, self._damping * self._kd, 1.0)
        return b"".join(
            encode_send(motor, _HEAD + row.tobytes(), checksum) for motor, row in zip(self._ids, values, strict=True)
        )

    def lines(self, checksum: bool, stopped: frozenset[int]) -> bytes:
        """Return the lines for the present targets; the controllers with an index in `stopped` get a stop instead."""
        data, size = self._values.tobytes(), 4 * _COLUMNS
        return b"".join(
            encode_send(motor, STOP if index in stopped else _HEAD + data[index * size : (index + 1) * size], checksum)
            for index, motor in enumerate(self._ids)
        )
