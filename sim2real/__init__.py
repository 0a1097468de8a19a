"""The simulated world: MuJoCo environments built from the robot's own contract, and the emulator's plant."""

import ctypes
import os


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


# MuJoCo picks its renderer when it is first imported, and cannot be imported at all with one whose library is missing.
# Without a screen only EGL can draw; without EGL everything but pictures works.
if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and _can_load("libEGL.so.1"):
    os.environ.setdefault("MUJOCO_GL", "egl")
