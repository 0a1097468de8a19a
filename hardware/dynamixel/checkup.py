"""The check-up of a motor on the bench: what its registers say, whether that is well, and what to do if not."""

from collections.abc import Iterator
from dataclasses import dataclass

from hardware.dynamixel.bench_work import BenchMotor
from hardware.dynamixel.driver import FAST_SYNC_READ_FIRMWARE
from hardware.dynamixel.motor import faults_of
from hardware.dynamixel.tables import BAUDRATES

_HEADROOM = 10  # °C below the shutdown temperature: warm for a motor that does nothing


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check-up."""

    what: str
    value: str
    ok: bool
    """False fails the check; what the driver itself takes care of does not."""
    advice: str = ""
    """What to do; empty when there is nothing."""


def examine(motor: BenchMotor) -> Iterator[Finding]:
    """Yield the findings on one motor. Raises HardwareError if it stops answering."""
    yield from _condition(motor)
    yield from _settings(motor)


def _condition(motor: BenchMotor) -> Iterator[Finding]:
    status = motor.get("hardware_error_status")
    names = ", ".join(fault.name.lower() for fault in faults_of(status) if fault.name) or "none"
    reboot = f"remove its cause, then `sim2real motors reboot --id {motor.identity.id} --port PORT`"
    yield _finding("hardware error", f"{names} (0x{status:02x})", status == 0, reboot)
    volts = motor.get("present_input_voltage") / 10
    low, high = motor.get("min_voltage_limit") / 10, motor.get("max_voltage_limit") / 10
    yield _finding("voltage", f"{volts:.1f} V", low <= volts <= high, f"supply {low:.1f} V to {high:.1f} V")
    temperature, limit = motor.get("present_temperature"), motor.get("temperature_limit")
    yield _finding(
        "temperature",
        f"{temperature} °C",
        temperature <= limit - _HEADROOM,
        f"let it cool: it shuts down at {limit} °C",
    )


def _settings(motor: BenchMotor) -> Iterator[Finding]:
    firmware = motor.identity.firmware
    old = firmware < FAST_SYNC_READ_FIRMWARE
    advice = (
        f"fast sync read needs {FAST_SYNC_READ_FIRMWARE}: update with DYNAMIXEL Wizard; sync read is used until then"
    )
    yield Finding("firmware", str(firmware), ok=True, advice=advice if old else "")
    code = motor.get("baud_rate")
    configured = BAUDRATES.get(code)
    yield _finding(
        "baud rate",
        f"{motor.baudrate} (code {code})",
        configured == motor.baudrate,
        f"the register says {configured}: cycle its power, then `sim2real motors set-baud`",
    )
    delay_us = 2 * motor.get("return_delay_time")
    advice = "opening the robot sets it to 0 and says so" if delay_us else ""
    yield Finding("return delay", f"{delay_us} µs", ok=True, advice=advice)
    mask, factory = motor.get("shutdown"), motor.config.dynamixel.shutdown
    yield _finding(
        "shutdown mask",
        str(mask),
        mask & factory == factory,
        f"some protections are off: set Shutdown (63) to the factory's {factory} with DYNAMIXEL Wizard",
    )


def _finding(what: str, value: str, ok: bool, advice: str) -> Finding:
    return Finding(what, value, ok, "" if ok else advice)
