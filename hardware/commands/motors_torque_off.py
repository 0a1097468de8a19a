"""`motors torque-off`: switches torque off on every motor of every port."""

from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer
from serial.tools.list_ports import comports

from sim2real.configs.command_line import typed
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.hardware.clock import NS_PER_S, MonotonicClock
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
    for path in paths:
        try:
            found = _release(path, protocol, wait if port else 0.0)
        except HardwareError as error:
            reasons.append(f"{error}; torque may still be ON on the motors of {path}: cut their power")
            continue
        motors += [{"port": path} | asdict(one.motor) | {"torque_off": one.confirmed} for one in found]
        left = [str(one.motor.id) for one in found if not one.confirmed]
        if left:
            reasons.append(f"torque is still ON on motor {', '.join(left)} of {path}: cut the power")
        if not found and port:
            reasons.append(f"torque off was sent on {path}, and no motor answers: unless none has power, cut it")
    if not motors and not reasons:
        reasons.append(
            f"torque off was sent on {', '.join(paths)}, and no motor answers: unless none has power, cut it"
        )
    lines = [f"{m['port']}: motor {m['id']}: torque is {'off' if m['torque_off'] else 'still ON'}" for m in motors]
    after = tuple(typed("motors", "check", "--port", path) for path in dict.fromkeys(str(m["port"]) for m in motors))
    return Outcome({"motors": motors}, "\n".join(lines), ok=not reasons, reasons=tuple(reasons), next=after)


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
