"""Text of a register value for display: in SI with its unit, or in words."""

import math
from collections.abc import Callable

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.dynamixel.faults import TRIPPED, faults_of
from sim2real.hardware.dynamixel.registers import Register, Unit
from sim2real.hardware.dynamixel.schema import LOAD_UNIT, registers_of
from sim2real.hardware.dynamixel.tables import BAUDRATES, MODEL_NAMES

PROFILE_ACCELERATION = 214.577 * math.tau / 3600.0
"""rad/s² per unit of Profile Acceleration (108): 214.577 rev/min² (e-Manual)."""

_PWM_PERCENT = 0.113  # e-Manual
_MODES = {
    0: "current",
    1: "velocity",
    3: "position",
    4: "extended position",
    5: "current-based position",
    16: "PWM",
}
_DRIVE_BITS = {0b0001: "reverse", 0b0100: "time-based profile", 0b1000: "torque on by goal"}
_RETURN_LEVELS = {0: "ping", 1: "ping and read", 2: "all"}


def register_text(motor: MotorConfig, register: Register, value: int) -> str:
    """Return the text of a register value; empty if the number needs no explanation."""
    words = _WORDS.get(register.name)
    if words is not None:
        return words(value)
    return _QUANTITIES[register.unit](motor, value)


def _words(names: dict[int, str]) -> Callable[[int], str]:
    return lambda value: names.get(value, "invalid")


def _on(value: int) -> str:
    return "on" if value else "off"


def _errors(value: int) -> str:
    return ", ".join(fault.name.lower() for fault in faults_of(value) if fault.name) or "none"


def _baudrate(value: int) -> str:
    return f"{BAUDRATES[value]} baud" if value in BAUDRATES else "invalid"


def _drive_mode(value: int) -> str:
    return ", ".join(name for bit, name in _DRIVE_BITS.items() if value & bit) or "normal"


_WORDS: dict[str, Callable[[int], str]] = {
    "model_number": lambda value: MODEL_NAMES.get(value, "unknown"),
    "baud_rate": _baudrate,
    "drive_mode": _drive_mode,
    "operating_mode": _words(_MODES),
    "secondary_id": lambda value: "none" if value > 252 else "",
    "shutdown": _errors,
    "torque_enable": _on,
    "led": _on,
    "status_return_level": _words(_RETURN_LEVELS),
    "registered_instruction": lambda value: "waiting for action" if value else "none",
    "hardware_error_status": _errors,
    "bus_watchdog": lambda value: "expired" if value == TRIPPED else f"{20 * value} ms" if value else "off",
    "moving": lambda value: "yes" if value else "no",
}

_QUANTITIES: dict[Unit, Callable[[MotorConfig, int], str]] = {
    "": lambda _, value: "",
    "2us": lambda _, value: f"{2 * value} µs",
    "counts": lambda motor, value: f"{value * math.tau / motor.counts_per_revolution:.4f} rad",
    "velocity": lambda motor, value: f"{value * motor.velocity_unit:.4f} rad/s",
    "acceleration": lambda _, value: f"{value * PROFILE_ACCELERATION:.3f} rad/s²",
    "pwm": lambda _, value: f"{value * _PWM_PERCENT:.1f} %",
    "current": lambda motor, value: f"{value * (registers_of(motor).current_unit or 0.0):.3f} A",
    "load": lambda _, value: f"{100 * LOAD_UNIT * value:.1f} %",
    "decivolt": lambda _, value: f"{value / 10:.1f} V",
    "celsius": lambda _, value: f"{value} °C",
    "watchdog": lambda _, value: f"{20 * value} ms",
    "ms": lambda _, value: f"{value} ms",
}
