"""Description of the machine that a benchmark ran on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_LIBRARIES = ("numpy", "mujoco", "torch", "onnxruntime", "gymnasium", "pyserial", "dynamixel-sdk")


def machine() -> dict[str, Any]:
    """Return processor, cores and versions of this machine."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": platform.platform(),
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name)) is not None},
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
