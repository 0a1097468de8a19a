"""Text of a register value for display: in SI with its unit, or in words."""

import math
from collections.abc import Callable

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.feetech.motor import faults_of
from sim2real.hardware.feetech.schema import registers_of
from sim2real.hardware.feetech.tables import (
    ACCELERATION_STEPS,
    BAUDRATES,
    COARSE_STEPS,
    FINE_VELOCITY,
    MODEL_NAMES,
    Register,
)

_MODES = {0: "position", 1: "speed", 2: "PWM", 3: "step"}
_TORQUE = {0: "off", 1: "on", 2: "damped"}
_PHASE = {
    1: "reversed drive",
    4: "velocity unit 1 step/s",
    8: "velocity 0 is fastest",
    16: "counts turns",
    128: "reversed position",
}


def register_text(motor: MotorConfig, register: Register, value: int, phase: int) -> str:
    """Return the text of a register value; empty if the number needs no explanation.

    Args:
        motor: The motor type.
        register: The register.
        value: Its value.
        phase: Value of Phase (18), which gives the unit of velocities.
    """
    words = _WORDS.get(register.name)
    if words is not None:
        return words(value)
    if register.unit == "by phase":
        steps = 1 if phase & FINE_VELOCITY else COARSE_STEPS
        return f"{value * steps * math.tau / motor.counts_per_revolution:.4f} rad/s"
    quantity = _QUANTITIES.get(register.unit)
    return "" if quantity is None else quantity(motor, value)


def alarm_text(status: int) -> str:
    """Return the names of the alarms in a Status (65)."""
    return ", ".join(fault.name.lower() for fault in faults_of(status) if fault.name) or "none"


def _phase(value: int) -> str:
    return ", ".join(name for bit, name in _PHASE.items() if value & bit)


_WORDS: dict[str, Callable[[int], str]] = {
    "model_number": lambda value: MODEL_NAMES.get(value, "unknown"),
    "baud_rate": lambda value: f"{BAUDRATES[value]} baud" if value in BAUDRATES else "invalid",
    "response_status_level": lambda value: "all" if value else "ping and read",
    "phase": _phase,
    "unloading_condition": alarm_text,
    "led_alarm_condition": alarm_text,
    "status": alarm_text,
    "operating_mode": lambda value: _MODES.get(value, "invalid"),
    "torque_enable": lambda value: _TORQUE.get(value, ""),
    "lock": lambda value: "EEPROM writes are not saved" if value else "EEPROM writes are saved",
    "registered_write": lambda value: "waiting for action" if value else "none",
    "moving": lambda value: "yes" if value else "no",
}

_QUANTITIES: dict[str, Callable[[MotorConfig, int], str]] = {
    "2 µs": lambda _, value: f"{2 * value} µs",
    "step": lambda motor, value: f"{value * math.tau / motor.counts_per_revolution:.4f} rad",
    "100 step/s²": lambda motor, value: (
        f"{value * ACCELERATION_STEPS * math.tau / motor.counts_per_revolution:.3f} rad/s²"
    ),
    "0.1 %": lambda _, value: f"{value / 10:.1f} %",
    "1 %": lambda _, value: f"{value} %",
    "10 ms": lambda _, value: f"{10 * value} ms",
    "6.5 mA": lambda motor, value: f"{value * registers_of(motor).current_unit:.3f} A",
    "0.1 V": lambda _, value: f"{value / 10:.1f} V",
    "°C": lambda _, value: f"{value} °C",
}
