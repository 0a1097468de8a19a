"""The program of the emulator process, started by process.py.

Arguments: name of the plant, process id of the parent, robot file, and optionally faults file. Prints one line of JSON
when it is ready; warnings and errors go to standard error.
"""

import ctypes
import json
import os
import signal
import sys
from typing import Any

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_faults, load_robot
from sim2real.hardware.emulator.serve import serve

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM, which is also sent when the parent ends; return the exit status."""
    plant, parent, robot, *faults = arguments
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):
        return 0  # the parent ended before prctl
    try:
        serve(load_robot(robot), plant, load_faults(faults[0]) if faults else None, None, _announce, _warn)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _announce(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _warn(line: str) -> None:
    sys.stderr.write(f"warning: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
