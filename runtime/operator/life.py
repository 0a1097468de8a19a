"""`Life`: how a process beside the run sees that the run has ended."""

import json
import os
import sys
from typing import Any, Final

_TASK_BYTES_MAX: Final = 1 << 20


class Life:
    """The pipe from the run, on standard input: one line that says what to do, then nothing until it ends."""

    def __init__(self) -> None:
        line = sys.stdin.buffer.readline(_TASK_BYTES_MAX)
        if not line:
            raise SystemExit(0)  # the run ended before it could say anything
        self.task: dict[str, Any] = json.loads(line)
        """What to do."""
        self._parent = int(self.task["parent"])
        self.descriptor = sys.stdin.fileno()
        """Can be read when the run has ended."""

    def over(self) -> bool:
        """Whether the run has ended in a way that leaves the pipe open: another child may hold its other end."""
        return os.getppid() != self._parent


def answer(document: dict[str, Any]) -> None:
    """Tell the run that this process is ready, or why it cannot be. It says nothing afterwards."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
