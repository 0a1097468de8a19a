"""Resident memory of a process, and whether samples of something grow."""

import os
import resource

import numpy as np

from sim2real.hardware.types import Float64Array


def resident_kib(pid: int | None = None) -> int:
    """Return the resident memory of a process, KiB; this one's by default, 0 for one that has ended."""
    try:
        with open(f"/proc/{os.getpid() if pid is None else pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * (resource.getpagesize() // 1024)
    except OSError:
        return 0


def growth(values: Float64Array) -> float:
    """Return the median of the last tenth of samples minus that of the first tenth."""
    tenth = max(1, len(values) // 10)
    return float(np.median(values[-tenth:]) - np.median(values[:tenth]))
