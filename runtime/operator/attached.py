"""`attached`: everything beside a run, for its time: ring, operator process, live server, live view."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from sim2real.configs.command_outcome import error_console
from sim2real.configs.error_stream import ErrorStream
from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.live_server import live_server
from sim2real.runtime.operator.briefing import Briefing
from sim2real.runtime.operator.interface import Operator
from sim2real.runtime.operator.kept_output import KeptOutput, kept_output
from sim2real.runtime.operator.key_map import keys_text
from sim2real.runtime.operator.process import OperatorProcess, operator_process
from sim2real.runtime.operator.view_process import live_view
from sim2real.runtime.ring import SharedRing
from sim2real.runtime.tick_fields import row_layout

_SIGNALS: Final = "Ctrl-C end · Ctrl-\\ E-STOP"


@dataclass(frozen=True)
class Beside:
    """What is wanted beside a run."""

    devices: tuple[str, ...] = ()
    """`keyboard`, `gamepad`, `gamepad:PATH`, `socket:PATH`."""
    panel: int | None = None
    """Port of the browser panel, 0 for any free one; no panel when None."""
    start: bool = False
    """Start at once, although an operator is there."""
    live: bool = False
    """Show the run on the terminal, if standard error is one; keep what else is written there until the end."""
    foxglove: int | None = None
    """Port of the live server for Foxglove, 0 for any free one; none when None."""

    @property
    def operated(self) -> bool:
        """Whether a person can ask for anything."""
        return bool(self.devices) or self.panel is not None


@dataclass
class Attachment:
    """What the loop gets of it."""

    ring: SharedRing | None = None
    operator: Operator | None = None
    wait_for_start: bool = False
    process: OperatorProcess | None = None
    say: Callable[[str], None] = lambda line: None
    """Prints a line on standard error at once, also while other output is kept. It may block: only without torque."""

    def warnings(self) -> tuple[str, ...]:
        """Return what is worth saying when the run has ended."""
        return () if self.process is None else self.process.warnings()


@contextmanager
def attached(
    beside: Beside, contract: Contract, robot: RobotConfig, *, duration: float | None, values: Mapping[str, float]
) -> Iterator[Attachment]:
    """Start what is wanted beside a run, and end it with the block.

    Args:
        beside: What is wanted.
        contract: Of the policy.
        robot: The robot.
        duration: s of policy; None until stopped.
        values: Operator commands that the run begins with.

    Raises:
        UserError: A device cannot be used, or a port is taken.
    """
    if not (beside.operated or beside.live or beside.foxglove is not None):
        yield Attachment()
        return
    waits = beside.operated and not beside.start
    briefing = Briefing.of(contract, robot, duration=duration, waits=waits)
    with ExitStack() as stack:
        ring = SharedRing(row_layout(contract))
        stack.callback(ring.close)
        attachment = Attachment(ring=ring, wait_for_start=waits)
        if beside.operated:
            process = operator_process(
                briefing,
                ring.fd,
                devices=beside.devices,
                panel=beside.panel,
                values=values,
                command_time=robot.safety.operator_command_time,
            )
            attachment.process = stack.enter_context(process)
            attachment.operator = attachment.process.box
            if attachment.process.panel is not None:
                error_console().print(f"panel: {attachment.process.panel}", markup=False)
        if beside.foxglove is not None:
            address = stack.enter_context(live_server(contract, ring.fd, beside.foxglove))
            error_console().print(f"foxglove: {address}", markup=False)
        if beside.live:
            kept = KeptOutput()
            attachment.say = stack.enter_context(_own_error_console())
            stack.callback(_print, kept)  # after the view has gone
            stack.enter_context(live_view(briefing, ring.fd, error_console(), _keys(beside.devices, briefing)))
            stack.enter_context(kept_output(kept))
        yield attachment


@contextmanager
def _own_error_console() -> Iterator[Callable[[str], None]]:
    """Yield a way to standard error as it is now, whatever takes its place later."""
    try:
        descriptor = os.dup(error_console().file.fileno())
    except OSError:  # it is no file, or it was closed before the program began
        yield lambda line: None
        return
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        console = Console(file=ErrorStream(file).as_file, soft_wrap=True, highlight=False)
        yield lambda line: console.print(line, markup=False)


def _keys(devices: Sequence[str], briefing: Briefing) -> str:
    return f"{keys_text(briefing.commands)} · {_SIGNALS}" if "keyboard" in devices else _SIGNALS


def _print(kept: KeptOutput) -> None:
    ErrorStream.standard().write(kept.text)
