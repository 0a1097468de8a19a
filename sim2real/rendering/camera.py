"""A camera that renders one model without a display."""

import os

import mujoco
import numpy as np
import numpy.typing as npt

from sim2real.configs.errors import UserError

_PACKAGES = {"osmesa": "OSMesa (on Debian: libosmesa6)", "egl": "EGL (on Debian: libegl1 libgl1-mesa-dri)"}

_opened_in: set[int] = set()
"""Processes that opened OpenGL, this one and those it was forked from: the driver's threads do not survive a fork."""

Frame = npt.NDArray[np.uint8]


class Camera:
    """Renders one model, from its first camera.

    A robot with a free base is followed: from the model's first camera that does, else from beside and above.

    Raises:
        UserError: No OpenGL for rendering without a display is installed, or this process was forked from one that
            had already rendered.
    """

    def __init__(self, model: mujoco.MjModel, width: int = 640, height: int = 480) -> None:
        # Shadows and anti-aliasing take four fifths of the frame time on a machine without a GPU.
        model.vis.quality.shadowsize = 0
        model.vis.quality.offsamples = 0
        missing = os.environ.get("SIM2REAL_MISSING_GL")
        if missing:
            raise UserError(
                f"cannot render: MUJOCO_GL is {missing}, whose library is not installed; unset it, or install "
                f"{_PACKAGES[missing]}"
            )
        if _opened_in - {os.getpid()}:
            raise UserError(
                "cannot render: this process was forked from one that had rendered, and the graphics driver does not "
                "survive a fork; start processes by 'spawn' or 'forkserver', or render first in the forked one"
            )
        _opened_in.add(os.getpid())
        try:
            self._renderer = mujoco.Renderer(model, height, width)
        except Exception as error:
            raise UserError(
                f"cannot render without a display ({type(error).__name__}: {error}); "
                "install EGL (on Debian: libegl1 libgl1-mesa-dri), and import sim2real before mujoco"
            ) from error
        self._camera = _viewpoint(model)

    def frame(self, data: mujoco.MjData) -> Frame:
        """Return an RGB image, (height, width, 3), of a state; it needs no forward pass before."""
        mujoco.mj_fwdKinematics(self._renderer.model, data)
        self._renderer.update_scene(data, camera=self._camera)
        frame: Frame = self._renderer.render()
        return frame

    def around(self, data: mujoco.MjData, azimuth: float) -> Frame:
        """Return an RGB image, (height, width, 3), of a state, with the whole model in view.

        Args:
            data: The state; it needs no forward pass before.
            azimuth: Direction of the view about the vertical, degrees.
        """
        model = self._renderer.model
        mujoco.mj_fwdKinematics(model, data)
        moving = np.flatnonzero(model.body_weldid[model.geom_bodyid] != 0)
        places = data.geom_xpos[moving] if len(moving) else data.geom_xpos
        reach = model.geom_rbound[moving].max(initial=0.05)
        low, high = places.min(axis=0) - reach, places.max(axis=0) + reach
        view = mujoco.MjvCamera()
        view.type = mujoco.mjtCamera.mjCAMERA_FREE
        view.lookat[:] = (low + high) / 2.0
        view.distance, view.azimuth, view.elevation = 1.5 * float(np.linalg.norm(high - low)), azimuth, -15.0
        self._renderer.update_scene(data, camera=view)
        frame: Frame = self._renderer.render()
        return frame

    def close(self) -> None:
        """Release the renderer."""
        self._renderer.close()


def _viewpoint(model: mujoco.MjModel) -> int | mujoco.MjvCamera:
    """Return from where to look: a camera of the model, one that follows the free base, or -1, MuJoCo's own."""
    free = np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_FREE)
    base = int(model.jnt_bodyid[free[0]]) if len(free) else 0
    follow = [camera for camera in range(model.ncam) if _follows(model, camera, base)]
    if base == 0 or follow:
        return follow[0] if follow else 0 if model.ncam else -1
    view = mujoco.MjvCamera()
    view.type, view.trackbodyid = mujoco.mjtCamera.mjCAMERA_TRACKING, base
    view.distance, view.azimuth, view.elevation = 3.0 * _reach(model, base), 135.0, -15.0
    return view


def _follows(model: mujoco.MjModel, camera: int, base: int) -> bool:
    """Return whether a camera moves with the free base, or turns to it."""
    target, body = int(model.cam_targetbodyid[camera]), int(model.cam_bodyid[camera])
    watched = target if target >= 0 else body
    return base != 0 and int(model.body_rootid[watched]) == int(model.body_rootid[base])


def _reach(model: mujoco.MjModel, base: int) -> float:
    """Return how far from its base a robot's geoms are in the model's pose, m."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    own = np.flatnonzero(model.body_rootid[model.geom_bodyid] == model.body_rootid[base])
    away = np.linalg.norm(data.geom_xpos[own] - data.xpos[base], axis=1) + model.geom_rbound[own]
    return float(away.max(initial=0.1))
