"""`motors find`: which port is the adapter's, found by unplugging it."""

import os
from pathlib import Path
from typing import Annotated

import typer
from serial.tools.list_ports import comports

from sim2real.configs.command_line import typed
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import UserError
from sim2real.hardware.commands.terminal_guide import TerminalGuide
from sim2real.hardware.errors import HardwareError

BY_ID = Path("/dev/serial/by-id")


@reports
def find(
    unplug: Annotated[
        bool, typer.Option("--unplug/--list", help="Ask for the adapter to be unplugged, or only list the ports.")
    ] = True,
    json_output: Json = False,
) -> Outcome:
    """Tell which serial port is the adapter's: unplug it, plug it in. Names the port so that it stays the same.

    Example: sim2real motors find
    """
    ports = usb_ports()
    if unplug:
        if not ports:
            raise HardwareError(
                "no USB serial port is connected: plug the adapter in, and look at its cable and driver"
            )
        guide = TerminalGuide()
        guide.ask("Unplug the adapter")
        gone = sorted(set(ports) - set(usb_ports()))
        if len(gone) != 1:
            raise UserError(
                f"{len(gone)} ports have gone ({', '.join(gone) or 'none'}): unplug one adapter, and try again"
            )
        guide.ask("Plug it in again, and wait for a second")
        back = usb_ports()
        new = sorted(set(back) - (set(ports) - set(gone)))
        if len(new) != 1:
            raise UserError(f"{len(new)} ports have come back: plug the same adapter in, and try again")
        ports = {new[0]: back[new[0]]}
    rows = [{"port": stable_name(path), "device": path, "adapter": name} for path, name in sorted(ports.items())]
    reasons = tuple(permission_advice(path) for path in ports if not os.access(path, os.R_OK | os.W_OK))
    lines = [f"{row['port']}  ({row['device']}, {row['adapter']})" for row in rows]
    after = tuple(typed("motors", "scan", "--port", row["port"]) for row in rows)
    text = "\n".join(lines) or "no USB serial port"
    return Outcome({"ports": rows}, text, ok=not reasons, reasons=reasons, next=after or (typed("doctor"),))


def usb_ports() -> dict[str, str]:
    """Return the USB serial ports that are connected: what their adapters call themselves, by device path."""
    return {port.device: port.product or port.description for port in comports() if port.vid is not None}


def stable_name(device: str, by_id: Path = BY_ID) -> str:
    """Return the link to a device that is the same after the next boot; the device itself if it has none."""
    links = sorted(by_id.iterdir()) if by_id.is_dir() else []
    return next((str(link) for link in links if link.resolve() == Path(device).resolve()), device)


def permission_advice(device: str) -> str:
    """Return how a user gets access to a device."""
    return (
        f"{device} is not open to you: `sudo usermod -aG dialout $USER`, then log in again; or a udev rule: "
        'SUBSYSTEM=="tty", SUBSYSTEMS=="usb", MODE="0660", TAG+="uaccess"'
    )
