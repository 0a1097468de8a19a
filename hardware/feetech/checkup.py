"""Checks an STS motor by its registers; every problem comes with advice."""

from collections.abc import Iterator, Mapping

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.feetech.frame import Alarm
from sim2real.hardware.feetech.register_text import alarm_text
from sim2real.hardware.feetech.tables import BAUDRATES
from sim2real.hardware.workbench.interface import Finding

_HEADROOM = 10  # °C below the shutdown temperature; an idle motor should be cooler
_PROTECTIONS = int(Alarm.OVERHEATING | Alarm.OVERCURRENT | Alarm.OVERLOAD)  # enabled by default


def examine(motor: int, baudrate: int, config: MotorConfig, values: Mapping[str, int]) -> Iterator[Finding]:
    """Yield the findings about one motor.

    Args:
        motor: Motor id.
        baudrate: Baud rate at which it answered, bit/s.
        config: The motor type.
        values: Register values, by name.
    """
    yield from _condition(motor, values)
    yield from _settings(baudrate, config, values)


def _condition(motor: int, values: Mapping[str, int]) -> Iterator[Finding]:
    status = values["status"]
    advice = f"remove the cause, then run `sim2real motors reboot --id {motor} --port PORT`"
    yield _finding("alarm", f"{alarm_text(status)} (0x{status:02x})", status == 0, advice)
    voltage, low, high = (values[name] for name in ("present_voltage", "min_voltage_limit", "max_voltage_limit"))
    yield _finding(
        "voltage", f"{voltage / 10:.1f} V", low <= voltage <= high, f"supply {low / 10:.1f} V to {high / 10:.1f} V"
    )
    temperature, limit = values["present_temperature"], values["max_temperature_limit"]
    yield _finding(
        "temperature",
        f"{temperature} °C",
        temperature <= limit - _HEADROOM,
        f"let it cool: it switches torque off at {limit} °C",
    )


def _settings(baudrate: int, config: MotorConfig, values: Mapping[str, int]) -> Iterator[Finding]:
    yield Finding("firmware", f"{values['firmware_major']}.{values['firmware_minor']}", ok=True)
    code = values["baud_rate"]
    configured = BAUDRATES.get(code)
    yield _finding(
        "baud rate",
        f"{baudrate} (code {code})",
        configured == baudrate,
        f"the register says {configured}: cycle the motor's power, then run `sim2real motors set-baud`",
    )
    for name, wanted, what in (("return_delay_time", 0, "return delay"), ("response_status_level", 1, "reply level")):
        advice = "" if values[name] == wanted else f"the driver sets it to {wanted} and reports the change"
        yield Finding(what, str(values[name]), ok=True, advice=advice)
    mask = values["unloading_condition"]
    yield _finding(
        "protections",
        f"{alarm_text(mask)} ({mask})",
        mask & _PROTECTIONS == _PROTECTIONS,
        f"some are off: set Unloading Condition (19) to the factory value {_PROTECTIONS} with Feetech's software",
    )
    highest = round(config.voltage_range[1] * 10)
    yield _finding(
        "highest voltage",
        f"{values['max_voltage_limit'] / 10:.1f} V",
        values["max_voltage_limit"] <= highest,
        f"{config.name} is rated for up to {highest / 10:.1f} V: set Max Voltage Limit (14) with Feetech's software",
    )
    yield Finding(
        "watchdog",
        "none",
        ok=True,
        advice="these motors have no watchdog: only the supervisor process stops them when the driver dies",
    )


def _finding(what: str, value: str, ok: bool, advice: str) -> Finding:
    return Finding(what, value, ok, "" if ok else advice)
