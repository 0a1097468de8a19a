"""The roll call of a bus: every configured motor answers, as the configured model, at the configured speed."""

from collections.abc import Sequence

from hardware.errors import HardwareError
from hardware.feetech.exchange import Exchange
from hardware.feetech.motor import Motor
from hardware.feetech.tables import BAUDRATES


def find_motors(motors: Sequence[Motor], exchange: Exchange) -> None:
    """Ask every motor who it is.

    Raises:
        HardwareError: Lists the ids that are missing, and at which other speed the first of them answers; or says which
            model answers in place of the configured one.
    """
    answers = {motor.id: exchange.identify(motor.id) for motor in motors}
    missing = [motor for motor in motors if answers[motor.id] is None]
    if missing:
        names = ", ".join(f"{motor.id} (joint {motor.joint!r})" for motor in missing)
        raise HardwareError(
            f"no answer at {exchange.baudrate} baud from motor {names}; {_where_else(missing[0], exchange)}"
        )
    for motor in motors:
        identity = answers[motor.id]
        if identity is not None:
            motor.check_model(identity)


def _where_else(motor: Motor, exchange: Exchange) -> str:
    """Return what to do about a motor that is missing, after a search at the other speeds; the speed is restored."""
    configured = exchange.baudrate
    found = None
    try:
        for baudrate in BAUDRATES.values():
            if baudrate != configured and found is None:
                exchange.set_baudrate(baudrate)
                found = baudrate if exchange.identify(motor.id, tries=1) else None
    finally:
        exchange.set_baudrate(configured)
    if found is not None:
        return (
            f"motor {motor.id} answers at {found} baud: set that in the robot YAML, or change it with "
            f"`sim2real motors set-baud --id {motor.id} --to {configured} --port PORT`"
        )
    return "check power, cable and ids (`sim2real motors scan --port PORT` lists who is there)"
