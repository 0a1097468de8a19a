"""Counts MuJoCo's warnings, and says how many there were in one line when the process ends.

A simulation that diverges warns at every step: MuJoCo prints each one, and writes MUJOCO_LOG.TXT into the working
directory. What became of a diverged episode is counted and saved elsewhere (`simulation/divergence.py`).
"""

import atexit
import os
import re
import sys
from itertools import count
from typing import Final

import mujoco

_KINDS_MAX: Final = 32  # a line that is read; kinds beyond are one
_OTHER: Final = "other"

_seen: dict[str, tuple[str, "count[int]"]] = {}
"""By kind: the first message, and a counter. Both are atomic: warnings come from the threads of a batch."""


def count_warnings() -> None:
    """Count MuJoCo's warnings from now on, instead of printing them; its log file is off.

    Does nothing where somebody else's handler is installed (`mujoco.set_mju_user_warning`).
    """
    if mujoco.get_mju_user_warning() is not None:
        return
    log = mujoco.MjLogConfig.get()
    log.logto_file = False
    log.set()
    mujoco.set_mju_user_warning(_count)
    atexit.register(_end)


def taken_summary() -> str | None:
    """Return one line about the warnings since the last call, the most frequent first; None without any."""
    kinds = [(next(counter), text) for text, counter in (_seen.pop(kind) for kind in list(_seen))]
    if not kinds:
        return None
    each = "; ".join(f"{number} × {text}" for number, text in sorted(kinds, reverse=True))
    total = sum(number for number, _ in kinds)
    return f"MuJoCo warned {total} time{'s' * (total != 1)}, the first of each kind: {each}"


def _count(message: str) -> None:
    """Count a message; a kind is its text before the first number."""
    text = " ".join(message.split())
    kind = re.split(r"\d", text, maxsplit=1)[0]
    if kind not in _seen and len(_seen) >= _KINDS_MAX:
        kind, text = _OTHER, _OTHER
    next(_seen.setdefault(kind, (text, count()))[1])


def _end() -> None:
    mujoco.set_mju_user_warning(None)  # MuJoCo outlives the interpreter
    summary = taken_summary()
    if summary is not None and sys.stderr is not None:
        sys.stderr.write(f"{summary}\n")


os.register_at_fork(after_in_child=_seen.clear)  # a parent's warnings are the parent's to tell
