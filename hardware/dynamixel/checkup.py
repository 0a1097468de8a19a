"""Checks a Dynamixel motor by its registers; every problem comes with advice."""

from collections.abc import Iterator, Mapping

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.dynamixel.client import Identity
from sim2real.hardware.dynamixel.driver import FAST_SYNC_READ_FIRMWARE
from sim2real.hardware.dynamixel.faults import faults_of
from sim2real.hardware.dynamixel.schema import registers_of
from sim2real.hardware.dynamixel.tables import BAUDRATES, BUS_WATCHDOG_SINCE
from sim2real.hardware.workbench.interface import Finding

_HEADROOM = 10  # °C below the shutdown temperature; an idle motor should be cooler


def examine(identity: Identity, baudrate: int, config: MotorConfig, values: Mapping[str, int]) -> Iterator[Finding]:
    """Yield the findings about one motor.

    Args:
        identity: Its ping reply.
        baudrate: Baud rate at which it answered, bit/s.
        config: The motor type.
        values: Register values, by name.
    """
    yield from _condition(identity, values)
    yield from _settings(identity, baudrate, config, values)


def _condition(identity: Identity, values: Mapping[str, int]) -> Iterator[Finding]:
    status = values["hardware_error_status"]
    names = ", ".join(fault.name.lower() for fault in faults_of(status) if fault.name) or "none"
    reboot = f"remove the cause, then run `sim2real motors reboot --id {identity.id} --port PORT`"
    yield _finding("hardware error", f"{names} (0x{status:02x})", status == 0, reboot)
    volts = values["present_input_voltage"] / 10
    low, high = values["min_voltage_limit"] / 10, values["max_voltage_limit"] / 10
    yield _finding("voltage", f"{volts:.1f} V", low <= volts <= high, f"supply {low:.1f} V to {high:.1f} V")
    temperature, limit = values["present_temperature"], values["temperature_limit"]
    yield _finding(
        "temperature",
        f"{temperature} °C",
        temperature <= limit - _HEADROOM,
        f"let it cool: it shuts down at {limit} °C",
    )


def _settings(identity: Identity, baudrate: int, config: MotorConfig, values: Mapping[str, int]) -> Iterator[Finding]:
    yield _firmware(identity.firmware)
    code = values["baud_rate"]
    configured = BAUDRATES.get(code)
    yield _finding(
        "baud rate",
        f"{baudrate} (code {code})",
        configured == baudrate,
        f"the register says {configured}: cycle the motor's power, then run `sim2real motors set-baud`",
    )
    delay_us = 2 * values["return_delay_time"]
    advice = "the driver sets it to 0 and reports the change" if delay_us else ""
    yield Finding("return delay", f"{delay_us} µs", ok=True, advice=advice)
    mask, factory = values["shutdown"], registers_of(config).shutdown
    yield _finding(
        "shutdown mask",
        str(mask),
        mask & factory == factory,
        f"some protections are off: set Shutdown (63) to the factory value {factory} with DYNAMIXEL Wizard",
    )


def _firmware(firmware: int) -> Finding:
    if firmware < BUS_WATCHDOG_SINCE:
        advice = f"the bus watchdog needs {BUS_WATCHDOG_SINCE}, so the driver refuses it: update with DYNAMIXEL Wizard"
        return Finding("firmware", str(firmware), ok=False, advice=advice)
    old = firmware < FAST_SYNC_READ_FIRMWARE
    advice = f"fast sync read needs {FAST_SYNC_READ_FIRMWARE}; until updated with DYNAMIXEL Wizard, sync read is used"
    return Finding("firmware", str(firmware), ok=True, advice=advice if old else "")


def _finding(what: str, value: str, ok: bool, advice: str) -> Finding:
    return Finding(what, value, ok, "" if ok else advice)
