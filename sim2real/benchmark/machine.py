"""Description of the machine that a benchmark ran on."""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_LIBRARIES = ("numpy", "mujoco", "torch", "onnxruntime", "gymnasium", "pyserial")


def machine(others: Iterable[str] = ()) -> dict[str, Any]:
    """Return processor, cores and library versions of this machine, including `others` if they are installed."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": platform.platform(),
        "libraries": {name: found for name in (*_LIBRARIES, *others) if (found := _version(name)) is not None},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
