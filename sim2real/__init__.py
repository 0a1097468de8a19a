"""From MuJoCo to the bench and back: train, export, emulate and safely run policies on serial-bus robots.

`import sim2real` is light; each name below is loaded when it is first used, from the package that it belongs to. Names
of robots, tasks, experiments and policies are shipped names or paths; loaded configurations are taken too. Whatever the
user can mend is a `UserError` with one line.
"""

import ctypes
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import version

    from sim2real.configs.errors import UserError as UserError
    from sim2real.configs.load import load_robot as load_robot
    from sim2real.envs.make_env import make_env as make_env
    from sim2real.hardware.emulator.process import emulate as emulate
    from sim2real.runtime.open_robot import OpenRobot as OpenRobot
    from sim2real.runtime.open_robot import open_robot as open_robot
    from sim2real.runtime.policy import load_policy as load_policy
    from sim2real.runtime.report import RunReport as RunReport
    from sim2real.runtime.run import run as run
    from sim2real.runtime.tick import Tick as Tick
    from sim2real.training.evaluate import EvaluationReport as EvaluationReport
    from sim2real.training.evaluate import evaluate as evaluate
    from sim2real.training.train import train as train
    from sim2real.training.train_report import TrainReport as TrainReport

    __version__: str = version("sim2real")

_PLACES = {
    "EvaluationReport": "sim2real.training.evaluate",
    "OpenRobot": "sim2real.runtime.open_robot",
    "RunReport": "sim2real.runtime.report",
    "Tick": "sim2real.runtime.tick",
    "TrainReport": "sim2real.training.train_report",
    "UserError": "sim2real.configs.errors",
    "emulate": "sim2real.hardware.emulator.process",
    "evaluate": "sim2real.training.evaluate",
    "load_policy": "sim2real.runtime.policy",
    "load_robot": "sim2real.configs.load",
    "make_env": "sim2real.envs.make_env",
    "open_robot": "sim2real.runtime.open_robot",
    "run": "sim2real.runtime.run",
    "train": "sim2real.training.train",
}
"""Where each name lives."""

__all__ = [
    "EvaluationReport",
    "OpenRobot",
    "RunReport",
    "Tick",
    "TrainReport",
    "UserError",
    "__version__",
    "emulate",
    "evaluate",
    "load_policy",
    "load_robot",
    "make_env",
    "open_robot",
    "run",
    "train",
]


if not TYPE_CHECKING:  # else a type checker would take any name

    def __getattr__(name: str) -> object:
        """Load a name at its first use."""
        if name == "__version__":
            from importlib.metadata import version

            value = version("sim2real")
        elif name in _PLACES:
            from importlib import import_module

            value = getattr(import_module(_PLACES[name]), name)
        else:
            raise AttributeError(f"module 'sim2real' has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)


_RENDERERS = {"osmesa": ("libOSMesa.so", "libOSMesa.so.8", "libOSMesa.so.6"), "egl": ("libEGL.so.1", "libEGL.so")}
"""Libraries that MuJoCo's renderers need, one of each, by value of MUJOCO_GL."""


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


# MuJoCo picks its renderer when it is first imported, and cannot be imported at all with one whose library is missing.
# Without a screen only EGL can draw; without EGL everything but pictures works.
_asked = os.environ.get("MUJOCO_GL", "").lower().strip()
if _asked in _RENDERERS and not any(map(_can_load, _RENDERERS[_asked])):
    os.environ["SIM2REAL_MISSING_GL"], os.environ["MUJOCO_GL"] = _asked, "disable"  # the camera names it
if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and _can_load("libEGL.so.1"):
    os.environ.setdefault("MUJOCO_GL", "egl")
