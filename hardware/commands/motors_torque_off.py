"""`motors torque-off`: switches torque off on every motor of every port."""

from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer
from serial.tools.list_ports import comports

from sim2real.configs.command_line import typed
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.hardware.clock import NS_PER_S, MonotonicClock
from sim2real.hardware.commands.ended import INTERRUPTED, SignalError, signals_end_it
from sim2real.hardware.commands.motors_options import ProtocolName
from sim2real.hardware.commands.motors_port import open_port
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.workbench.release import Released, release_port

_RETRY_NS = NS_PER_S // 5


@reports
def torque_off(
    port: Annotated[
        list[str] | None,
        typer.Option(
            "--port", help="Serial port; may be repeated; by default every one that is found.", show_default=False
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0.0, max=3600.0, help="Seconds to wait for a port that is not there.")
    ] = 5.0,
    protocol: ProtocolName = None,
    json_output: Json = False,
) -> Outcome:
    """Switch torque off on every motor, whatever its id and baud rate, and have each confirm it.

    Fails if a motor does not confirm, if none answers on a port that was named or on any, or if a port does not open:
    its motors may still have torque.

    Example: sim2real motors torque-off --port /dev/ttyUSB0
    """
    paths = port or sorted(found.device for found in comports() if found.vid is not None)
    if not paths:
        raise HardwareError("no USB serial port is connected: give --port PATH, or cut the power of the motors")
    motors: list[dict[str, object]] = []
    reasons: list[str] = []
    try:
        with signals_end_it():
            _release_all(paths, bool(port), protocol, wait, motors, reasons)
    except (KeyboardInterrupt, SignalError) as error:
        confirmed = {str(motor["port"]) for motor in motors}
        left = ", ".join(path for path in paths if path not in confirmed)
        reasons.append(
            f"{str(error) or INTERRUPTED}: torque may still be ON on the motors of {left}; repeat the command, or cut "
            "their power"
        )
        return _outcome(motors, reasons, cut_short=isinstance(error, KeyboardInterrupt))
    if not motors and not reasons:
        reasons.append(
            f"torque off was sent on {', '.join(paths)}, and no motor answers: unless none has power, cut it"
        )
    return _outcome(motors, reasons)


def _release_all(
    paths: list[str],
    named: bool,
    protocol: str | None,
    wait: float,
    motors: list[dict[str, object]],
    reasons: list[str],
) -> None:
    """Release one port after the other; add the motors that answered, and why it has failed."""
    for path in paths:
        try:
            found = _release(path, protocol, wait if named else 0.0)
        except HardwareError as error:
            reasons.append(f"{error}; torque may still be ON on the motors of {path}: cut their power")
            continue
        motors += [{"port": path} | asdict(one.motor) | {"torque_off": one.confirmed} for one in found]
        left = [str(one.motor.id) for one in found if not one.confirmed]
        if left:
            reasons.append(f"torque is still ON on motor {', '.join(left)} of {path}: cut the power")
        if not found and named:
            reasons.append(f"torque off was sent on {path}, and no motor answers: unless none has power, cut it")


def _outcome(motors: list[dict[str, object]], reasons: list[str], *, cut_short: bool = False) -> Outcome:
    lines = [f"{m['port']}: motor {m['id']}: torque is {'off' if m['torque_off'] else 'still ON'}" for m in motors]
    after = tuple(typed("motors", "check", "--port", path) for path in dict.fromkeys(str(m["port"]) for m in motors))
    text = "\n".join(lines)
    return Outcome({"motors": motors}, text, not reasons, tuple(reasons), after, cut_short)


def _release(path: str, protocol: str | None, wait: float) -> list[Released]:
    """Release a port; while it is not there or vanishes, try again until the wait is over. Raises HardwareError."""
    clock = MonotonicClock()
    deadline_ns = clock.now_ns() + round(wait * NS_PER_S)
    while clock.now_ns() < deadline_ns:
        with suppress(HardwareError), open_port(path, protocol) as opened:
            return release_port(opened)
        clock.sleep_until_ns(clock.now_ns() + _RETRY_NS)
    with open_port(path, protocol) as opened:
        return release_port(opened)
