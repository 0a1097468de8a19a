"""The register server of an emulated moteus: executes the reads and writes of a frame."""

from binascii import crc32
from collections.abc import Callable
from functools import partial
from math import isnan

from sim2real.hardware.errors import ProtocolError
from sim2real.hardware.moteus.firmware.answer import Answer
from sim2real.hardware.moteus.firmware.console import CHANNEL, Console
from sim2real.hardware.moteus.firmware.control import INITIAL
from sim2real.hardware.moteus.firmware.controller import SUPPORTED, MoteusMotor
from sim2real.hardware.moteus.frame import LARGEST, Kind, Resolution, Subframe, scaled, subframes, whole
from sim2real.hardware.moteus.tables import REGISTERS, SHADOWS, Access, Mode, Register, Unit

UNKNOWN, READ_ONLY, INVALID = 1, 2, 3
"""Error codes of the controller (moteus_controller.cc)."""

REGISTER_MAP_VERSION = 5
"""Register 0x102."""

_UUID_MASK = 0x154
_MS_PER_NS = 1e-6


class Server:
    """Executes the frames for one controller."""

    def __init__(self, motor: MoteusMotor, unit: int = 0) -> None:
        """Serve a controller; controllers with the same id differ in their `unit`, and so in their serial numbers."""
        self._motor = motor
        self._staged = dict(INITIAL)
        self._mode: Mode | None = None
        self._reply_wanted = True
        self._uuid = [crc32(f"moteus {motor.id} {word} {unit or ''}".encode()) - (1 << 31) for word in range(4)]
        self._readings = _readings(motor, self._uuid)
        self._console = Console(motor.settings, lambda name: self._readings[name](), lambda: motor.boot(motor.now_ns))

    def execute(self, data: bytes, now_ns: int, reply_wanted: bool = True) -> bytes | None:
        """Execute a frame; return the reply, None if its UUID addresses another controller."""
        answer = Answer()
        self._reply_wanted = reply_wanted
        self._mode = None
        try:
            for subframe in subframes(data):
                if subframe.kind == Kind.WRITE and not self._is_addressed(subframe):
                    return None
                self._do(subframe, answer)
        except ProtocolError:
            pass  # the subframes before it are valid
        if self._mode is not None:  # a command takes effect after the whole frame
            self._motor.execute(self._mode, dict(self._staged), now_ns)
        return answer.close()

    def _is_addressed(self, subframe: Subframe) -> bool:
        word = subframe.register - _UUID_MASK
        return word not in range(len(self._uuid)) or subframe.value == self._uuid[word]

    def _do(self, subframe: Subframe, answer: Answer) -> None:
        kind, register = subframe.kind, subframe.register
        if kind == Kind.READ:
            value = self._read(subframe)
            if value is None:
                answer.add_error(Kind.READ_ERROR, register, UNKNOWN)
            else:
                answer.add_value(subframe, value)
        elif kind == Kind.WRITE:
            code = self._write(subframe)
            if code:
                answer.add_error(Kind.WRITE_ERROR, register, code)
        elif kind in (Kind.CLIENT_DATA, Kind.CLIENT_POLL) and register == CHANNEL:
            self._console.feed(subframe.data)
            if not self._reply_wanted:
                return  # output is kept for a poll
            wanted = int(subframe.value) if kind == Kind.CLIENT_POLL else answer.room
            answer.add_stream(CHANNEL, self._console.take(min(wanted, answer.room)))

    def _read(self, subframe: Subframe) -> float | None:
        """Return the unscaled value of a register; None if it does not exist or is not readable."""
        register = _find(subframe.register)
        if register is None or register.access == Access.WRITE:
            return None
        if register.only_int32 and subframe.resolution != Resolution.INT32:
            return None
        reading = self._readings.get(register.name)
        value = self._staged.get(register.name, 0.0) if reading is None else reading()
        if register.name == "millisecond_counter" and subframe.resolution != Resolution.FLOAT:
            largest = LARGEST[subframe.resolution]
            return int(value + largest + 1) % (2 * largest + 2) - largest - 1  # wraps
        return whole(value, subframe.resolution, register.unit.scale(subframe.resolution))

    def _write(self, subframe: Subframe) -> int:
        """Write a register; return the error code, 0 on success."""
        register = _find(subframe.register)
        if register is None:
            return UNKNOWN
        if register.access == Access.READ:
            return READ_ONLY
        value = subframe.value
        if register.unit is not Unit.NUMBER:
            value = scaled(value, subframe.resolution, register.unit.scale(subframe.resolution))
        if register.name == "mode":
            return self._write_mode(value)
        if register.name in ("set_output_nearest", "set_output_exact"):
            self._motor.set_output(value, exact=register.name == "set_output_exact")
        elif register.name == "recapture":
            self._motor.control.trajectory.clear()
        elif register.name in self._staged:
            self._staged[register.name] = value
        return 0

    def _write_mode(self, value: float) -> int:
        if isnan(value) or int(value) not in SUPPORTED:
            return INVALID
        self._mode = Mode(int(value))
        self._staged = dict(INITIAL)
        return 0


def _find(address: int) -> Register | None:
    return REGISTERS.get(SHADOWS.get(address, address))


def _readings(motor: MoteusMotor, uuid: list[int]) -> dict[str, Callable[[], float]]:
    """Return the getter of each register that is not a command register."""
    control, trajectory, shaft = motor.control, motor.control.trajectory, motor.shaft
    constant = motor.config.torque_constant
    readings: dict[str, Callable[[], float]] = {
        "mode": lambda: int(motor.mode),
        "position": lambda: motor.position,
        "velocity": lambda: motor.velocity,
        "torque": lambda: motor.torque if motor.torque_enabled else 0.0,
        "q_current": lambda: motor.torque / constant if motor.torque_enabled else 0.0,
        "abs_position": lambda: motor.position,
        "power": lambda: shaft.torque * shaft.velocity,
        "motor_temperature": lambda: shaft.temperature,
        "trajectory_complete": lambda: trajectory.done,
        "home_state": lambda: motor.home_state,
        "voltage": lambda: shaft.voltage,
        "temperature": lambda: shaft.temperature,
        "fault": lambda: motor.fault or control.limit,
        "p_torque": lambda: control.torques.p,
        "d_torque": lambda: control.torques.d,
        "f_torque": lambda: control.torques.feedforward,
        "pid_torque": lambda: control.torques.total,
        "control_position": lambda: trajectory.position,
        "control_velocity": lambda: trajectory.velocity,
        "control_torque": lambda: control.torques.total,
        "position_error": lambda: motor.position - trajectory.position,
        "velocity_error": lambda: motor.velocity - trajectory.velocity,
        "torque_error": lambda: motor.torque - control.torques.total,
        "encoder_0_position": lambda: motor.position,
        "encoder_0_velocity": lambda: motor.velocity,
        "encoder_validity": lambda: 3,
        "millisecond_counter": lambda: (motor.now_ns - motor.booted_ns) * _MS_PER_NS,
        "model_number": lambda: motor.registers.model_number or 0,
        "firmware_version": lambda: motor.registers.firmware,
        "register_map_version": lambda: REGISTER_MAP_VERSION,
        "uuid_mask_capable": lambda: 1,
    }
    for word, value in enumerate(uuid):
        readings[f"uuid_{word + 1}"] = readings[f"serial_number_{word + 1}"] = partial(float, value)
    return readings
