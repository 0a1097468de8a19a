"""The port of the `motors` commands; warns about families that could not be loaded, whose motors are not found."""

from collections.abc import Iterator
from contextlib import contextmanager

from sim2real.configs.command_outcome import error_console
from sim2real.hardware.workbench import port
from sim2real.hardware.workbench.port import WorkbenchPort


@contextmanager
def open_port(path: str, protocol: str | None = None) -> Iterator[WorkbenchPort]:
    """Open a port for the duration of the block, like `sim2real.hardware.workbench.port.open_port`; print warnings."""
    with port.open_port(path, protocol) as opened:
        for error in opened.broken:
            error_console().print(f"warning: {error}", markup=False)
        yield opened
