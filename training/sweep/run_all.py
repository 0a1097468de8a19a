"""Carries out the runs of a sweep, one after another or several at a time in processes of their own."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.training.sweep.plan import Planned, carry_out, command_of, is_finished

_POLL_S: Final = 0.2
_STOP_S: Final = 60.0
"""For a run to save its checkpoint."""


def run_all(runs: Sequence[Planned], output: Path, jobs: int, say: Callable[[str], None]) -> list[str]:
    """Carry out what is not finished; return what failed, a line each: the others are carried out nevertheless.

    Args:
        runs: The runs.
        output: Folder of the sweep.
        jobs: Runs at a time; 1: in this process.
        say: Is told which run comes next, and how it ended.

    Raises:
        KeyboardInterrupt: SIGINT or SIGTERM; the runs saved checkpoints, and the same call goes on with them.
    """
    left = [run for run in runs if not is_finished(run, output)]
    say(f"{len(runs) - len(left)} of {len(runs)} runs are finished")
    if jobs > 1:
        return _several(left, output, jobs, say)
    failed = []
    for number, run in enumerate(left):
        say(f"{number + 1}/{len(left)} {run.folder}")
        try:
            carry_out(run, output, progress=True)
        except UserError as error:
            failed.append(f"{run.folder}: {error}")
            say(failed[-1])
    return failed


def _several(left: Sequence[Planned], output: Path, jobs: int, say: Callable[[str], None]) -> list[str]:
    waiting, failed = list(left), list[str]()
    working: dict[subprocess.Popen[str], Planned] = {}
    try:
        while waiting or working:
            while waiting and len(working) < jobs:
                run = waiting.pop(0)
                say(f"{len(left) - len(waiting)}/{len(left)} {run.folder}")
                working[_begun(run, output)] = run
            time.sleep(_POLL_S)
            for process in [one for one in working if one.poll() is not None]:
                run = working.pop(process)
                _, errors = process.communicate()
                if process.returncode:
                    last = (errors.strip().splitlines() or [f"status {process.returncode}"])[-1]
                    failed.append(f"{run.folder}: {last}")
                    say(failed[-1])
    except BaseException:
        for process in working:
            process.send_signal(signal.SIGTERM)
        for process in working:
            _ended(process)
        raise
    return failed


def _begun(run: Planned, output: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "sim2real.cli", *command_of(run, output)]
    # A session of its own: Ctrl-C comes to this process alone, which passes it on once.
    return subprocess.Popen(  # noqa: S603 - our own program
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _ended(process: "subprocess.Popen[str]") -> None:
    try:
        process.communicate(timeout=_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
