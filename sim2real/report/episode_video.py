"""Videos of a policy in a simulated episode, and of recorded joint positions."""

from collections.abc import Callable
from pathlib import Path

import mujoco
import numpy as np
import numpy.typing as npt

from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.stage import stage
from sim2real.envs.single_env import SingleEnv
from sim2real.model.model import build_model
from sim2real.rendering.camera import Camera
from sim2real.rendering.video_file import FPS, VideoFile

Float32Array = npt.NDArray[np.float32]


def render_episode(
    task: TaskConfig,
    randomization: RandomizationConfig,
    act: Callable[[Float32Array], Float32Array],
    path: Path,
    seconds: float,
    *,
    seed: int = 0,
    forget: Callable[[], None] | None = None,
    privileged: bool = False,
) -> None:
    """Run a policy in simulation and write an MP4 video.

    Args:
        task: The task.
        randomization: Distribution of the episodes' parameters.
        act: What a policy sees, (1, O), to actions, (1, A).
        path: The video file.
        seconds: Length of the video, in real and simulated time; an ended episode is followed by the next.
        seed: Seed of the episodes.
        forget: Called before every episode; None for a policy without memory.
        privileged: Whether the policy sees the privileged values after its observation.

    Raises:
        UserError: Rendering is not available, or the file cannot be written.
    """
    env = SingleEnv(task, randomization, render_mode="rgb_array", seed=seed)
    stride = max(1, round(task.control_rate / FPS))
    env.reset(seed=seed)
    begin = forget or (lambda: None)
    begin()
    with VideoFile(path, task.control_rate / stride) as video:
        ticks = round(seconds * task.control_rate)
        for tick in range(ticks):
            stage("video", tick / ticks)
            if tick % stride == 0:
                frame = env.render()
                assert frame is not None  # noqa: S101 - made with a render mode
                video.add(frame)
            seen = env.simulation.transition.seen(privileged=privileged)
            _, _, terminated, truncated, _ = env.step(act(seen)[0])
            if terminated or truncated:
                env.reset()
                begin()
    env.close()


def render_positions(task: TaskConfig, positions: npt.NDArray[np.float64], rate: float, path: Path) -> None:
    """Write a video of recorded joint positions, (T, J), rad, at `rate` Hz.

    Raises:
        UserError: Rendering is not available, or the file cannot be written.
    """
    robot = build_model(task)
    data = mujoco.MjData(robot.model)
    camera = Camera(robot.model)
    stride = max(1, round(rate / FPS))
    with VideoFile(path, rate / stride) as video:
        for index, row in enumerate(positions[::stride]):
            stage("video", index * stride / len(positions))
            data.qpos[:] = robot.start.place(row[None, :])[0]
            video.add(camera.frame(data))
    camera.close()
