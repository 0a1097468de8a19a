"""The simulated world: MuJoCo environments built from the robot's own contract, and the emulator's plant."""

import os

# MuJoCo picks its renderer when it is first imported; without a screen only EGL can draw.
if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("MUJOCO_GL", "egl")
