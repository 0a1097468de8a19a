"""A camera that renders one model without a display."""

import mujoco
import numpy as np
import numpy.typing as npt

from sim2real.configs.errors import UserError

Frame = npt.NDArray[np.uint8]


class Camera:
    """Renders one model, from its first fixed camera if it has one.

    Raises:
        UserError: No OpenGL for rendering without a display is installed.
    """

    def __init__(self, model: mujoco.MjModel, width: int = 640, height: int = 480) -> None:
        # Shadows and anti-aliasing take four fifths of the frame time on a machine without a GPU.
        model.vis.quality.shadowsize = 0
        model.vis.quality.offsamples = 0
        try:
            self._renderer = mujoco.Renderer(model, height, width)
        except Exception as error:
            raise UserError(
                f"cannot render without a display ({type(error).__name__}: {error}); "
                "install EGL (on Debian: libegl1 libgl1-mesa-dri), and import sim2real before mujoco"
            ) from error
        self._camera = 0 if model.ncam else -1

    def frame(self, data: mujoco.MjData) -> Frame:
        """Return an RGB image, (height, width, 3), of a state; it needs no forward pass before."""
        mujoco.mj_kinematics(self._renderer.model, data)
        mujoco.mj_camlight(self._renderer.model, data)
        self._renderer.update_scene(data, camera=self._camera)
        frame: Frame = self._renderer.render()
        return frame

    def close(self) -> None:
        """Release the renderer."""
        self._renderer.close()
