"""The program of the emulator process, started by process.py.

Arguments: name of the plant, process id of the parent, SCHED_FIFO priority or 0, control socket, robot file, optionally
faults file.
Prints one line of JSON when it is ready; warnings, errors and the output of plug-ins go to standard error.
"""

import contextlib
import json
import os
import select
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from sim2real.configs.error_stream import ErrorStream
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_faults, load_robot
from sim2real.hardware.emulator.serve import serve

_STDOUT, _STDERR = 1, 2
_WARN_S = 0.1  # the parent reads the lines when its run has ended: none of the last second may be missing


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM, which is also sent when the parent ends; return the exit status."""
    plant, parent, priority, control, robot, *faults = arguments
    if not _end_with(int(parent)):
        return 0
    if int(priority):
        # The run asks for the same for itself, and reports a refusal.
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(int(priority)))
    output = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)

    def announce(document: dict[str, Any]) -> None:
        os.write(output, json.dumps(document).encode() + b"\n")

    try:
        script = load_faults(faults[0]) if faults else None
        serve(load_robot(robot), plant, script, None, announce, _warn, _WARN_S, control=Path(control))
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _end_with(parent: int) -> bool:
    """Send this process SIGTERM when its parent ends; return False if it has ended already.

    Linux can do that by itself (PR_SET_PDEATHSIG), but when the parent's thread ends that started this process.
    """
    try:
        watched = os.pidfd_open(parent)
    except ProcessLookupError:
        return False
    if os.getppid() != parent:
        return False  # it ended, and another process has its id

    def watch() -> None:
        ended = select.poll()
        ended.register(watched, select.POLLIN)
        ended.poll()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
    return True


def _warn(line: str) -> None:
    """Say it, if the file of the errors has room for it: the motors must answer all the same."""
    errors = ErrorStream.standard()
    errors.write(f"warning: {line}\n")
    errors.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
