"""The log of a run: the loop's side. The file is written by another process, from the ring that the loop fills.

On a virtual clock it is written within the tick, so that the file is the same each time.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.log_channels import log_plan
from sim2real.runtime.log_file import Rotation
from sim2real.runtime.log_writer import InTickWriter, LogWriter, ProcessWriter
from sim2real.runtime.record import TickRecord
from sim2real.runtime.ring import CAPACITY, SharedRing

_MAGIC: Final = b"\x89MCAP0\r\n"
_MEMORY_DEVICES: Final = 1  # major number of /dev/null and its like


class TelemetryLog:
    """Writes the ticks of one run to a file.

    A full disk ends the log, not the run: `error` then says so, and what was written stays readable. So does the death
    of the writing process.

    Args:
        path: The file; a log that is there is overwritten, anything else is refused. Its folder must exist.
        contract: Gives the sizes.
        metadata: Texts about the run.
        synchronous: Write in the calling process, for runs on a virtual clock.
        rotation: When the log goes on in a new file.
        loop_cpu: The processor that the loop stays on: another one writes.
        capacity: Ticks in the ring.

    Raises:
        UserError: The file cannot be opened or written, or is no log.
    """

    def __init__(
        self,
        path: Path,
        contract: Contract,
        metadata: Mapping[str, str],
        *,
        synchronous: bool,
        rotation: Rotation | None = None,
        loop_cpu: int | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self.path = path
        self.summary: dict[str, str] = {}
        """Texts about the end of the run, written on closing."""
        self._closed = False
        _check_free(path)
        plan, rotation = log_plan(contract, metadata, timed=not synchronous), rotation or Rotation()
        self.ring: SharedRing | None = None
        """For readers in other processes; None where the log is synchronous."""
        self._writer: LogWriter
        if synchronous:
            self._writer = InTickWriter(path, plan, rotation)
            return
        self.ring = SharedRing(plan.layout, capacity)
        try:
            self._writer = ProcessWriter(self.ring, path, plan, rotation, -1 if loop_cpu is None else loop_cpu)
        except BaseException:
            self.ring.close()
            raise

    @property
    def ticks(self) -> int:
        """Ticks written."""
        return self._writer.ticks

    @property
    def dropped(self) -> int:
        """Ticks that were overwritten in the ring before they were written."""
        return self._writer.lost

    @property
    def error(self) -> str:
        """Why the log ends early; empty while it does not."""
        return f"{self.path}: the log ends early, {self._writer.error}" if self._writer.error else ""

    @property
    def pid(self) -> int | None:
        """Process id of the writer; None where it is this process."""
        return self._writer.pid

    def record(self, record: TickRecord) -> None:
        """Add one tick. A few microseconds, and no wait, unless the log is synchronous."""
        self._writer.add(record.pack())

    def note(self, text: str, level: str = "info", about: str = "motors") -> None:
        """Add a notice; not for the loop, it is a system call.

        Args:
            text: One line.
            level: info, warning or error.
            about: motors, safety, operator …
        """
        self._writer.note(level, about, text)

    def close(self) -> None:
        """Write what is left, the summary and the index; takes seconds at most. Closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        self._writer.close(self.summary)
        if not self._writer.error and not self.path.exists():
            self._writer.error = "its file was removed while it was written"
        if self.ring is not None:
            self.ring.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check_free(path: Path) -> None:
    """Refuse to write a log over what is none: a policy, a robot's YAML, the motors' port. Raises UserError."""
    try:
        status = path.stat()
        if stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) != _MEMORY_DEVICES:
            raise UserError(f"{path}: is a device, such as a serial port, and no place for a log; name another file")
        if not stat.S_ISREG(status.st_mode):
            return  # a folder is refused where it is opened
        with path.open("rb") as file:
            begin = file.read(len(_MAGIC))
    except OSError:
        return  # there is none yet, or whoever opens it says what is wrong
    if not _MAGIC.startswith(begin):
        raise UserError(f"{path}: there is a file that is no log; it is not overwritten; name another one")
