"""Creates an environment of a task for any learner: one robot, or a batch that steps together."""

from pathlib import Path
from typing import TYPE_CHECKING, overload

from sim2real.configs.errors import MissingExtraError, UserError
from sim2real.configs.load import as_randomization, as_task
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig

if TYPE_CHECKING:
    from sim2real.envs.batch_env import BatchEnv
    from sim2real.envs.single_env import SingleEnv

_NOTHING_RANDOM = "none"


@overload
def make_env(
    task: str | Path | TaskConfig,
    *,
    num_envs: None = None,
    randomization: str | Path | RandomizationConfig | None = None,
    seed: int | None = None,
    render_mode: str | None = None,
) -> "SingleEnv": ...


@overload
def make_env(
    task: str | Path | TaskConfig,
    *,
    num_envs: int,
    randomization: str | Path | RandomizationConfig | None = None,
    seed: int | None = None,
    threads: int = 0,
    render_mode: str | None = None,
) -> "BatchEnv": ...


def make_env(
    task: str | Path | TaskConfig,
    *,
    num_envs: int | None = None,
    randomization: str | Path | RandomizationConfig | None = None,
    seed: int | None = None,
    threads: int = 0,
    render_mode: str | None = None,
) -> "SingleEnv | BatchEnv":
    """Create an environment of a task: Gymnasium's API, the robot's contract, MuJoCo on native threads.

    Observations and actions equal those of the robot's runtime bit for bit. Both are float32: (O,) and (A,) for one
    environment, (n, O) and (n, A) for a vector; actions are clipped to the action space.

    Args:
        task: A shipped task, a YAML file, or a loaded task.
        num_envs: None for one `gymnasium.Env`; n for a `gymnasium.vector.VectorEnv` of n environments, which resets
            an ended episode in the same step (`AutoresetMode.SAME_STEP`).
        randomization: A shipped name, a YAML file, or a loaded randomization; default: no randomization.
        seed: 0 to 2³² − 1, used until `reset(seed=…)`; the same seed gives the same episodes. None draws one from
            the operating system.
        threads: Threads of a vector; 0 uses every core. Results do not depend on it.
        render_mode: None or `rgb_array`; `render()` of a vector returns one image for each environment.

    Returns:
        The environment; `step_arrays` of a vector returns its own buffers without copies.

    Raises:
        UserError: No such task or randomization, they do not match, or a number is out of range.
        TypeError: A number that must be whole is not.
        MissingExtraError: The extra `train` is not installed.

    Example:
        >>> import numpy as np, sim2real
        >>> env = sim2real.make_env("pendulum_swingup", num_envs=3, randomization="pendulum", seed=0)
        >>> observation, info = env.reset()
        >>> actions = np.zeros((3, env.single_action_space.shape[0]), np.float32)
        >>> observation, reward, terminated, truncated, info = env.step(actions)
        >>> observation.shape, reward.shape
        ((3, 5), (3,))
    """
    try:
        from sim2real.envs.batch_env import BatchEnv
        from sim2real.envs.requests import checked_size, checked_threads, chosen_seed
        from sim2real.envs.single_env import SingleEnv
        from sim2real.task.check import check_terms
    except ModuleNotFoundError as error:
        raise MissingExtraError("make_env", str(error.name), "train") from error
    config = as_task(task, check_terms)
    randomness = as_randomization(_NOTHING_RANDOM if randomization is None else randomization)
    chosen = chosen_seed(seed)
    if render_mode not in (None, "rgb_array"):
        raise UserError(f"render_mode: {render_mode!r}; valid: None, 'rgb_array'")
    if num_envs is None:
        if threads:
            raise UserError(f"threads: {threads}; one environment has one thread; give num_envs for a vector")
        return SingleEnv(config, randomness, render_mode=render_mode, seed=chosen)
    size, threads = checked_size(num_envs), checked_threads(threads)
    return BatchEnv(config, randomness, size, seed=chosen, threads=threads, render_mode=render_mode)
