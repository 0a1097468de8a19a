"""The program that writes the log of a run, in a process of its own; started by telemetry.py.

Nothing of it can make the loop wait. It outlives the loop: when that is killed, what is left in the ring still goes
into the file, which is finished.

Arguments: file descriptors of the ring, of the plan and of the status; path of the log; limits of a file in seconds and
megabytes; processor to keep away from, or -1. Standard input: one JSON document a line, `{"note": [level, about,
text]}` or `{"end": {…}}`; its end without the latter means that the loop has died. Standard output: one JSON document
when the file is open or cannot be opened, and one at the end.
"""

import contextlib
import json
import mmap
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from sim2real.runtime.log_file import LogFile, Rotation
from sim2real.runtime.log_plan import LogPlan
from sim2real.runtime.ring import RingReader

STATUS_WORDS: Final = 4
BEAT_NS, TICKS, LOST, FAILED = range(STATUS_WORDS)
"""Words of the status, 64 bits each: time of the last round, ticks written, ticks lost, whether the log has ended."""

_PERIOD_MS: Final = 50
_IDLE_FLUSH_S: Final = 0.4
_NICE: Final = 10
_ROWS_A_ROUND: Final = 256  # then standard input is looked at again


class LogProcess:
    """Moves rows from the ring to the file."""

    def __init__(self, ring: RingReader, plan: LogPlan, path: Path, rotation: Rotation, status: memoryview) -> None:
        self.error = ""
        self._ring = ring
        self._status = status
        self._lost = 0
        self._dirty = False
        self._flushed = time.monotonic()
        self._file = LogFile(path, plan, rotation)

    def note(self, level: str, about: str, text: str) -> None:
        """Write a notice."""
        self._attempt(partial(self._file.note, level, about, text))
        self._dirty = True

    def drain(self) -> bool:
        """Write some of the rows that are there; return whether there may be more."""
        for _ in range(_ROWS_A_ROUND):
            row = self._ring.pop()
            self._say_lost()
            if row is None:
                self._flush_when_idle()
                self._tell()
                return False
            self._attempt(partial(self._file.write, row))
            self._dirty = True
        self._tell()
        return True

    def close(self, run: dict[str, str]) -> dict[str, Any]:
        """Write the rest and the index; return what the loop's process should know."""
        while self.drain():
            pass
        self._attempt(partial(self._file.close, run))
        self._tell()
        return {"ticks": self._file.ticks, "lost": self._ring.lost, "error": self.error}

    def _attempt(self, write: Callable[[], None]) -> None:
        """Do it, unless the log has ended; an error ends it."""
        if self.error:
            return
        try:
            write()
        except OSError as error:
            self.error = error.strerror or str(error)
            with contextlib.suppress(OSError):
                self._file.abandon()

    def _say_lost(self) -> None:
        if (lost := self._ring.lost) != self._lost:
            self._attempt(partial(self._file.skip, lost - self._lost))
            self._lost = lost

    def _flush_when_idle(self) -> None:
        now = time.monotonic()
        if self._dirty and now - self._flushed >= _IDLE_FLUSH_S:
            self._attempt(self._file.flush)
            self._dirty, self._flushed = False, now

    def _tell(self) -> None:
        status = self._status
        status[BEAT_NS] = time.monotonic_ns()
        status[TICKS], status[LOST], status[FAILED] = self._file.ticks, self._ring.lost, int(bool(self.error))


def main(arguments: list[str]) -> None:
    """Write until the loop says that the run has ended, or dies."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)  # it must outlive the loop
    ring, plan, status, path, seconds, megabytes, loop_cpu = arguments
    stand_back(int(loop_cpu))
    words = memoryview(mmap.mmap(int(status), STATUS_WORDS * 8)).cast("q")
    with os.fdopen(int(plan), "rb") as file:
        text = file.read().decode()
    rotation = Rotation(float(seconds), float(megabytes))
    try:
        process = LogProcess(RingReader(int(ring)), LogPlan.of_text(text), Path(path), rotation, words)
    except OSError as error:
        say({"error": error.strerror or str(error)})
        return
    say({"error": ""})
    say(process.close(serve(process)))


def stand_back(loop_cpu: int) -> None:
    """Leave the loop its priority and its processor, where there is another."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    if others := os.sched_getaffinity(0) - {loop_cpu}:
        os.sched_setaffinity(0, others)


def serve(process: LogProcess) -> dict[str, str]:
    """Write rows and notices; return how the run ended."""
    source = sys.stdin.fileno()
    poll = select.poll()
    poll.register(source, select.POLLIN)
    pending, more = b"", False
    while True:
        if poll.poll(0 if more else _PERIOD_MS):
            data = os.read(source, 65536)
            if not data:
                return {"stopped_by": "killed"}
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                message = json.loads(line)
                if "end" in message:
                    return dict(message["end"])
                process.note(*message["note"])
        more = process.drain()


def say(document: dict[str, Any]) -> None:
    """Print one line for the loop's process, which may be gone."""
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
