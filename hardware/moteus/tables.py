"""Registers, modes and faults of moteus as data. Source: moteus documentation, register reference."""

from dataclasses import dataclass
from enum import Enum, IntEnum

from sim2real.hardware.types import MotorFault


class Unit(Enum):
    """Unit of a register: symbol, and the size of one count in 8, 16 and 32 bits; floats are in the unit itself."""

    NUMBER = ("", (1.0, 1.0, 1.0))
    POSITION = ("rev", (0.01, 0.0001, 0.00001))
    VELOCITY = ("rev/s", (0.1, 0.00025, 0.00001))
    ACCELERATION = ("rev/s^2", (0.05, 0.001, 0.00001))
    TORQUE = ("N*m", (0.5, 0.01, 0.001))
    CURRENT = ("A", (1.0, 0.1, 0.001))
    POWER = ("W", (10.0, 0.05, 0.0001))
    VOLTAGE = ("V", (0.5, 0.1, 0.001))
    TEMPERATURE = ("degC", (1.0, 0.1, 0.001))
    TIME = ("s", (0.01, 0.001, 0.000001))
    SHARE = ("share", (1.0 / 127.0, 1.0 / 32767.0, 1.0 / 2147483647.0))

    @property
    def symbol(self) -> str:
        """Unit symbol; empty for a plain number."""
        return self.value[0]

    def scale(self, resolution: int) -> float:
        """Return the size of one count at a resolution; 1 for a float."""
        return self.value[1][resolution] if resolution < len(self.value[1]) else 1.0


class Access(Enum):
    """Whether a register can be read, written, or both."""

    READ = "r"
    WRITE = "w"
    BOTH = "rw"


class Mode(IntEnum):
    """Values of the mode register (0x000)."""

    STOPPED = 0
    FAULT = 1
    ENABLING = 2
    CALIBRATING = 3
    CALIBRATION_COMPLETE = 4
    PWM = 5
    VOLTAGE = 6
    VOLTAGE_FOC = 7
    VOLTAGE_DQ = 8
    CURRENT = 9
    POSITION = 10
    TIMEOUT = 11
    ZERO_VELOCITY = 12
    STAY_WITHIN = 13
    MEASURE_INDUCTANCE = 14
    BRAKE = 15


class Fault(IntEnum):
    """Values of the fault register (0x00f). Values from 96 on are active limits, not faults."""

    NONE = 0
    CALIBRATION = 32
    MOTOR_DRIVER = 33
    OVER_VOLTAGE = 34
    ENCODER = 35
    NOT_CONFIGURED = 36
    CYCLE_OVERRUN = 37
    OVER_TEMPERATURE = 38
    OUTSIDE_LIMIT = 39
    UNDER_VOLTAGE = 40
    CONFIG_CHANGED = 41
    THETA_INVALID = 42
    POSITION_INVALID = 43
    DRIVER_ENABLE = 44
    STOP_POSITION_DEPRECATED = 45
    TIMING_VIOLATION = 46
    NO_ACCELERATION_LIMIT = 47
    INVALID_LIMITS = 48
    POSITION_ERROR = 49
    VELOCITY_ERROR = 50
    LIMIT_VELOCITY = 96
    LIMIT_POWER = 97
    LIMIT_VOLTAGE = 98
    LIMIT_CURRENT = 99
    LIMIT_TEMPERATURE = 100
    LIMIT_MOTOR_TEMPERATURE = 101
    LIMIT_TORQUE = 102
    LIMIT_POSITION = 103


MOTOR_FAULTS = {
    Fault.MOTOR_DRIVER: MotorFault.OVERLOAD,  # usually more current than the supply or the bridge can deliver
    Fault.OVER_VOLTAGE: MotorFault.VOLTAGE,
    Fault.UNDER_VOLTAGE: MotorFault.VOLTAGE,
    Fault.ENCODER: MotorFault.ENCODER,
    Fault.THETA_INVALID: MotorFault.ENCODER,
    Fault.POSITION_INVALID: MotorFault.ENCODER,
    Fault.OVER_TEMPERATURE: MotorFault.OVERHEATING,
}
"""Faults that every family has; the others are `MotorFault.OTHER`."""

CURES = {
    Fault.CALIBRATION: "check the magnet, then calibrate (`moteus_tool --calibrate`)",
    Fault.MOTOR_DRIVER: "check the supply's current limit and the phase wires",
    Fault.OVER_VOLTAGE: "add a sink for braking energy, or lower the supply voltage (servo.max_voltage)",
    Fault.ENCODER: "check the encoder's magnet and cable",
    Fault.NOT_CONFIGURED: "calibrate it (`moteus_tool --calibrate`)",
    Fault.OVER_TEMPERATURE: "let it cool down",
    Fault.OUTSIDE_LIMIT: "move the joint inside servopos.position_min and position_max, or widen them",
    Fault.UNDER_VOLTAGE: "check the supply",
}
"""Advice for the user, by fault."""

_NO_CURE = "look it up in the moteus reference and remove its cause"


@dataclass(frozen=True, slots=True)
class Register:
    """One register."""

    address: int
    name: str
    unit: Unit = Unit.NUMBER
    access: Access = Access.READ
    initial: float = 0.0
    """Value of a command register after the mode has been written."""
    only_int32: bool = False
    """Whether it can be accessed only in 32 bits."""


_NAN = float("nan")
_RW, _W = Access.BOTH, Access.WRITE
_ROWS = (
    Register(0x000, "mode", access=_RW),
    Register(0x001, "position", Unit.POSITION),
    Register(0x002, "velocity", Unit.VELOCITY),
    Register(0x003, "torque", Unit.TORQUE),
    Register(0x004, "q_current", Unit.CURRENT),
    Register(0x005, "d_current", Unit.CURRENT),
    Register(0x006, "abs_position", Unit.POSITION),
    Register(0x007, "power", Unit.POWER),
    Register(0x00A, "motor_temperature", Unit.TEMPERATURE),
    Register(0x00B, "trajectory_complete"),
    Register(0x00C, "home_state"),
    Register(0x00D, "voltage", Unit.VOLTAGE),
    Register(0x00E, "temperature", Unit.TEMPERATURE),
    Register(0x00F, "fault"),
    *(Register(0x010 + phase, f"pwm_{'abc'[phase]}", Unit.SHARE, _RW) for phase in range(3)),
    *(Register(0x014 + phase, f"voltage_{'abc'[phase]}", Unit.VOLTAGE, _RW) for phase in range(3)),
    Register(0x018, "foc_theta", Unit.SHARE, _RW),
    Register(0x019, "foc_voltage", Unit.VOLTAGE, _RW),
    Register(0x01A, "d_voltage", Unit.VOLTAGE, _RW),
    Register(0x01B, "q_voltage", Unit.VOLTAGE, _RW),
    Register(0x01C, "command_q_current", Unit.CURRENT, _RW),
    Register(0x01D, "command_d_current", Unit.CURRENT, _RW),
    Register(0x01E, "foc_theta_rate", Unit.VELOCITY, _RW),
    Register(0x020, "command_position", Unit.POSITION, _RW),
    Register(0x021, "command_velocity", Unit.VELOCITY, _RW),
    Register(0x022, "feedforward_torque", Unit.TORQUE, _RW),
    Register(0x023, "kp_scale", Unit.SHARE, _RW, 1.0),
    Register(0x024, "kd_scale", Unit.SHARE, _RW, 1.0),
    Register(0x025, "maximum_torque", Unit.TORQUE, _RW, _NAN),
    Register(0x026, "stop_position", Unit.POSITION, _RW, _NAN),
    Register(0x027, "timeout", Unit.TIME, _RW),
    Register(0x028, "velocity_limit", Unit.VELOCITY, _RW, _NAN),
    Register(0x029, "acceleration_limit", Unit.ACCELERATION, _RW, _NAN),
    Register(0x02A, "fixed_voltage", Unit.VOLTAGE, _RW, _NAN),
    Register(0x02B, "ki_limit_scale", Unit.SHARE, _RW, 1.0),
    Register(0x02C, "fixed_current", Unit.CURRENT, _RW, _NAN),
    Register(0x02D, "ignore_position_bounds", access=_RW),
    Register(0x030, "p_torque", Unit.TORQUE),
    Register(0x031, "i_torque", Unit.TORQUE),
    Register(0x032, "d_torque", Unit.TORQUE),
    Register(0x033, "f_torque", Unit.TORQUE),
    Register(0x034, "pid_torque", Unit.TORQUE),
    Register(0x038, "control_position", Unit.POSITION),
    Register(0x039, "control_velocity", Unit.VELOCITY),
    Register(0x03A, "control_torque", Unit.TORQUE),
    Register(0x03B, "position_error", Unit.POSITION),
    Register(0x03C, "velocity_error", Unit.VELOCITY),
    Register(0x03D, "torque_error", Unit.TORQUE),
    Register(0x040, "within_lower", Unit.POSITION, _RW),
    Register(0x041, "within_upper", Unit.POSITION, _RW),
    Register(0x050, "encoder_0_position", Unit.POSITION),
    Register(0x051, "encoder_0_velocity", Unit.VELOCITY),
    Register(0x058, "encoder_validity"),
    Register(0x070, "millisecond_counter"),
    Register(0x071, "clock_trim", access=_RW),
    Register(0x100, "model_number", only_int32=True),
    Register(0x101, "firmware_version", only_int32=True),
    Register(0x102, "register_map_version", only_int32=True),
    *(Register(0x120 + word, f"serial_number_{word + 1}", only_int32=True) for word in range(3)),
    Register(0x130, "set_output_nearest", Unit.POSITION, _W),
    Register(0x131, "set_output_exact", Unit.POSITION, _W),
    Register(0x132, "require_reindex", access=_W),
    Register(0x133, "recapture", access=_W),
    Register(0x140, "driver_fault_1"),
    Register(0x141, "driver_fault_2"),
    *(Register(0x150 + word, f"uuid_{word + 1}", only_int32=True) for word in range(4)),
    *(Register(0x154 + word, f"uuid_mask_{word + 1}", access=_W, only_int32=True) for word in range(4)),
    Register(0x158, "uuid_mask_capable"),
)

SHADOWS = {0x042: 0x022, 0x043: 0x023, 0x044: 0x024, 0x045: 0x025, 0x046: 0x027, 0x047: 0x02B, 0x048: 0x02D}
"""Registers of the stay-within mode that are aliases of position-mode registers."""

REGISTERS = {register.address: register for register in _ROWS}
"""All registers of the emulated controller, by address."""

BY_NAME = {register.name: register for register in _ROWS}


def motor_fault(mode: int, fault: int) -> MotorFault:
    """Convert the mode and fault registers to a fault."""
    if mode == Mode.TIMEOUT:
        return MotorFault.WATCHDOG
    if mode != Mode.FAULT:
        return MotorFault(0)
    return MOTOR_FAULTS.get(Fault(fault), MotorFault.OTHER) if fault in _FAULT_CODES else MotorFault.OTHER


_FAULT_CODES = frozenset(Fault)


def fault_name(fault: int) -> str:
    """Return the name and number of a fault."""
    name = Fault(fault).name.lower().replace("_", " ") if fault in _FAULT_CODES else "unknown"
    return f"{name} ({fault})"


def advice_for(fault: int) -> str:
    """Return the advice for a fault."""
    return CURES.get(Fault(fault), _NO_CURE) if fault in _FAULT_CODES else _NO_CURE
