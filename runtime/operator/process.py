"""`operator_process`: the process of the operator's devices, for the time of a run."""

import contextlib
import os
import signal
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sim2real.runtime.operator.beside import BesideProcess
from sim2real.runtime.operator.box import OperatorBox
from sim2real.runtime.operator.briefing import Briefing
from sim2real.runtime.operator.device_option import check_option

_MODULE = "sim2real.runtime.operator.process_main"


@dataclass(frozen=True)
class OperatorProcess:
    """A running operator process."""

    box: OperatorBox
    """What the loop polls."""
    panel: str | None
    """Address of the browser panel, with its token."""
    _process: BesideProcess

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def warnings(self) -> tuple[str, ...]:
        """Return what is worth saying of it while it should run."""
        if not self._process.gone:
            return ()
        return (f"the operator process ended before the run: {self._process.problem()}",)


@contextmanager
def operator_process(
    briefing: Briefing,
    ring: int,
    *,
    devices: Sequence[str] = (),
    panel: int | None = None,
    values: Mapping[str, float] | None = None,
    command_time: float = 1.0,
) -> Iterator[OperatorProcess]:
    """Run the operator's devices beside a run, for the duration of the block.

    Start it before the loop is real-time, and outside of it: the process inherits the loop's scheduling.

    Args:
        briefing: Of the run.
        ring: Descriptor of the ring of the run's ticks.
        devices: `keyboard`, `gamepad`, `gamepad:PATH`, `socket:PATH`.
        panel: Port of the browser panel, 0 for any free one; no panel when None.
        values: Operator commands that the run begins with, SI units; the task's defaults for the rest.
        command_time: s in which a command may cross its range.

    Raises:
        UserError: A device cannot be used.
    """
    for option in devices:
        check_option(option)
    given = values or {}
    commands = tuple(
        each.model_copy(update={"default": given.get(each.name, each.default)}) for each in briefing.commands
    )
    briefing = replace(briefing, commands=commands)
    rates = [(command.high - command.low) / command_time for command in commands]
    box = OperatorBox(commands, [command.default for command in commands], rates)
    task = {
        "briefing": briefing.to_json(),
        "box": box.descriptor,
        "ring": ring,
        "devices": list(devices),
        "panel": panel,
    }
    try:
        with _terminal_restored():
            process = BesideProcess(_MODULE, task, (box.descriptor, ring), own_group=False)
            try:
                yield OperatorProcess(box, process.answer.get("panel"), process)
            finally:
                process.stop()
    finally:
        box.close()


@contextmanager
def _terminal_restored() -> Iterator[None]:
    """Restore the terminal's settings at the end, also when the process that changed them was killed."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        yield  # no terminal, so nothing to restore
        return
    try:
        before = termios.tcgetattr(terminal)
        try:
            yield
        finally:
            ttou = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
            with contextlib.suppress(OSError, termios.error):  # it has hung up
                if os.tcgetpgrp(terminal) == os.getpgrp():  # another program's terminal is left alone
                    termios.tcsetattr(terminal, termios.TCSANOW, before)
            signal.pthread_sigmask(signal.SIG_SETMASK, ttou)
    finally:
        os.close(terminal)
