"""A video of one episode of a policy in a Gymnasium environment."""

from pathlib import Path
from typing import Final

from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sim2real.configs.errors import UserError
from sim2real.rendering.video_file import FPS, VideoFile
from sim2real.training.gymnasium.environment import GymnasiumEnvironment
from sim2real.training.gymnasium.foreign_code import closed, running
from sim2real.training.gymnasium.registry import made
from sim2real.training.gymnasium.saved import GymnasiumPolicy

_FRAMES_MAX: Final = 10_000  # of an episode without a time limit


def render_gymnasium_episode(policy: GymnasiumPolicy, path: Path, seed: int) -> None:
    """Play one episode and write an MP4 video.

    Args:
        policy: The policy.
        path: The video file.
        seed: Of the episode.

    Raises:
        UserError: The environment has no id, cannot be rendered, or the file cannot be written.
    """
    config = policy.experiment.environment
    if config.id is None:
        raise UserError("--video: an environment given from Python is not rendered; valid: none")
    env = made(config.id, **config.arguments, render_mode="rgb_array")
    vector = SyncVectorEnv([lambda: env], autoreset_mode=AutoresetMode.SAME_STEP)
    environment = GymnasiumEnvironment(vector)
    try:
        observation = environment.reset_arrays(seed)
        policy.act.reset()
        with VideoFile(path, float(env.metadata.get("render_fps", FPS))) as video:
            for _ in range(_FRAMES_MAX):
                with running(f"gym/{config.id}", "render"):
                    frame = env.render()
                if frame is None:
                    raise UserError(f"gym/{config.id}: renders no pictures")
                video.add(frame)  # type: ignore[arg-type]
                out = environment.step_arrays(policy.act(observation))
                observation = out.observation
                if out.terminated[0] or out.truncated[0]:
                    break
    finally:
        closed(f"gym/{config.id}", vector.close)
