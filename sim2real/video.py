"""Pictures of simulated robots, rendered headless, and videos of them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import numpy.typing as npt

from configs.errors import UserError
from configs.schema.randomization import RandomizationConfig
from configs.schema.task import TaskConfig

Frame = npt.NDArray[np.uint8]
Float32Array = npt.NDArray[np.float32]

_FPS = 30
_ENCODED_BLOCK = 16  # H.264 encodes blocks of 16 pixels: sizes are multiples of it


class Camera:
    """Renders one model, from its first fixed camera if it has one.

    Raises:
        UserError: No OpenGL that works without a display is installed.
    """

    def __init__(self, model: mujoco.MjModel, width: int = 640, height: int = 480) -> None:
        # Shadows and anti-aliasing cost four fifths of the time of a frame on a machine without a GPU.
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
        """Return an RGB image, (height, width, 3), of a state that needs no forward pass beforehand."""
        mujoco.mj_kinematics(self._renderer.model, data)
        mujoco.mj_camlight(self._renderer.model, data)
        self._renderer.update_scene(data, camera=self._camera)
        frame: Frame = self._renderer.render()
        return frame

    def close(self) -> None:
        """Release the renderer."""
        self._renderer.close()


def render_episode(
    task: TaskConfig,
    randomization: RandomizationConfig,
    act: Callable[[Float32Array], Float32Array],
    path: Path,
    seconds: float,
    *,
    seed: int = 0,
) -> None:
    """Let a policy act in one simulated episode and write it as an MP4 video.

    Args:
        task: The task; its reset range gives the start.
        randomization: How the episode differs.
        act: Observations (1, O) to actions (1, A).
        path: The video file.
        seconds: Length of the video, simulated and shown.
        seed: Seed of the episode.

    Raises:
        UserError: Nothing can render, or the file cannot be written.
    """
    from sim2real.single_env import SingleEnv

    env = SingleEnv(task, randomization, render_mode="rgb_array", seed=seed)
    stride = max(1, round(task.control_rate / _FPS))
    observation, _ = env.reset(seed=seed)
    with VideoFile(path, task.control_rate / stride) as video:
        for tick in range(round(seconds * task.control_rate)):
            if tick % stride == 0:
                frame = env.render()
                assert frame is not None  # noqa: S101 - made with a render mode
                video.add(frame)
            observation, _, terminated, truncated, _ = env.step(act(observation[None])[0])
            if terminated or truncated:
                observation, _ = env.reset()
    env.close()


def render_positions(task: TaskConfig, positions: npt.NDArray[np.float64], rate: float, path: Path) -> None:
    """Write a video of recorded joint positions, (T, J) in rad at `rate` Hz.

    Raises:
        UserError: Nothing can render, or the file cannot be written.
    """
    from sim2real.model import build_model

    robot = build_model(task)
    data = mujoco.MjData(robot.model)
    camera = Camera(robot.model)
    stride = max(1, round(rate / _FPS))
    with VideoFile(path, rate / stride) as video:
        for row in positions[::stride]:
            data.qpos[robot.qpos] = row
            video.add(camera.frame(data))
    camera.close()


class VideoFile:
    """An MP4 file that frames are added to, one at a time; broken off, it leaves no file."""

    def __init__(self, path: Path, fps: float) -> None:
        import imageio_ffmpeg

        self._path, self._fps = path, fps
        self._temporary = path.with_suffix(".part.mp4")
        self._write_frames = imageio_ffmpeg.write_frames
        self._writer: Any = None

    def __enter__(self) -> "VideoFile":
        return self

    def add(self, frame: Frame) -> None:
        """Append one frame, (height, width, 3)."""
        if self._writer is None:
            size = (frame.shape[1], frame.shape[0])
            self._writer = self._write_frames(
                str(self._temporary), size, fps=self._fps, codec="libx264", macro_block_size=_ENCODED_BLOCK, quality=7
            )
            self._writer.send(None)
        self._writer.send(np.ascontiguousarray(frame))

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if self._writer is not None:
            self._writer.close()
        if kind is None:
            if not self._temporary.is_file():
                raise UserError(f"{self._path}: the video could not be written")
            os.replace(self._temporary, self._path)
        else:
            self._temporary.unlink(missing_ok=True)
