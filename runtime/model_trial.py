"""The trial of a model in a child process: loading and running it is bounded in time and memory.

A graph may have a loop without an end, or crash the library that runs it. Neither can be stopped within a process.
"""

import contextlib
import hashlib
import json
import signal
import subprocess
from pathlib import Path
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.hardware.child_process import PYTHON

CPU_S: Final = 10
"""Processor time for loading the model and a few runs, s; policies of robots need a few milliseconds."""

_WALL_S: Final = 120.0  # on a machine that is busy elsewhere; processor time is the bound that counts
_MEMORY_BYTES: Final = 8 << 30  # address space, of which onnxruntime alone takes more than one GiB
CHILD: Final = Path(__file__).with_name("model_trial_child.py")
_tried: set[str] = set()
"""Digests of models that passed in this process."""


def try_model(path: Path, model: bytes, cpu_s: int = CPU_S) -> None:
    """Load and run a model in a child process; nothing happens if this process has tried it before.

    Args:
        path: Where it is from, for the error.
        model: The bytes of the file.
        cpu_s: Processor time that it may take, s.

    Raises:
        UserError: It cannot be loaded, takes longer than it may, or ends the process. A model that loads and does not
            run passes: its error is found, and said, where it is run.
    """
    digest = hashlib.sha256(model).hexdigest()
    if digest in _tried:
        return
    command = [*PYTHON, str(CHILD), str(cpu_s), str(_MEMORY_BYTES)]
    try:
        child = subprocess.run(command, input=model, capture_output=True, timeout=_WALL_S, check=False)  # noqa: S603 - our own script
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{path}: the model was not loaded and run within {_WALL_S:g} s") from error
    except OSError as error:
        raise UserError(f"{path}: the model cannot be tried: no child process: {error.strerror}") from error
    if child.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise UserError(
            f"{path}: loading the model and running it took more than {cpu_s} s of processor time; "
            "does its graph have a loop without an end?"
        )
    if child.returncode < 0:
        raise UserError(f"{path}: the model ends the process that runs it ({_signal(-child.returncode)})")
    said = _said(child.stdout)
    if said is None:
        last = (child.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1][:200]
        raise UserError(f"{path}: the model cannot be tried: {last}")
    if said["stage"] == "load":
        raise UserError(f"{path}: not a valid ONNX model: {said['error']}")
    _tried.add(digest)


def _said(output: bytes) -> dict[str, str] | None:
    with contextlib.suppress(ValueError, IndexError):
        said = json.loads(output.splitlines()[-1])
        return said if isinstance(said, dict) else None
    return None


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
