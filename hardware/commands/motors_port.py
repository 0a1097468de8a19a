"""The port of the `motors` commands: says which families could not be loaded, so that their motors are not found."""

from collections.abc import Iterator
from contextlib import contextmanager

from sim2real.configs.command_outcome import error_console
from sim2real.hardware.workbench import port
from sim2real.hardware.workbench.port import WorkbenchPort


@contextmanager
def open_port(path: str, protocol: str | None = None) -> Iterator[WorkbenchPort]:
    """Open a port for the block, as `sim2real.hardware.workbench.port.open_port` does."""
    with port.open_port(path, protocol) as opened:
        for error in opened.broken:
            error_console().print(f"warning: {error}", markup=False)
        yield opened
