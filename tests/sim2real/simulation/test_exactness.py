"""Laws of exactness with everything randomised: batch size, threads, resuming and replaying change no bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import EVERYTHING, between, randomized

from sim2real.configs.load import load_task, validate
from sim2real.configs.schema.curriculum import AdrConfig, CurriculumConfig, DoraemonConfig
from sim2real.configs.yaml_source import Sourced
from sim2real.envs.batch_env import BatchEnv
from sim2real.simulation.simulation import WHOLE_RANGE
from sim2real.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

SHORT = {"episode_duration": "0.4 s", "reset.start_pose_share": "0.3"}


def env(name: str, n: int, *, seed: int = 5, threads: int = 1, curriculum: CurriculumConfig = WHOLE_RANGE) -> BatchEnv:
    """Short episodes of a task with every applicable parameter."""
    task = load_task(name, tuple(f"{key}={value}" for key, value in SHORT.items()))
    hold = {"goal": task.goal.model_copy(update={"hold": 0.1})} if task.goal.hold is not None else {}
    made = BatchEnv(
        task.model_copy(update=hold),
        randomized(*EVERYTHING[name], quantize=True),
        n,
        seed=seed,
        threads=threads,
        curriculum=curriculum,
    )
    made.reset_arrays(seed)
    return made


def action(step: int, rows: np.ndarray, width: int) -> np.ndarray:
    """Actions of some environments in a step, different for each."""
    phase = 0.37 * step + 1.3 * rows[:, None] + 0.7 * np.arange(width)
    return np.sin(phase).astype(np.float32)


def run(made: BatchEnv, steps: range, rows: np.ndarray | None = None) -> list[tuple[bytes, ...]]:
    """Results of all (or some) environments, step by step."""
    seen = []
    for step in steps:
        out = made.step_arrays(action(step, np.arange(made.num_envs), made.action_size))
        part = slice(None) if rows is None else rows
        seen.append(
            tuple(
                values[part].tobytes()
                for values in (
                    out.observation,
                    out.final_observation,
                    out.reward,
                    out.privileged,
                    out.final_privileged,
                    out.terminated,
                    out.truncated,
                )
            )
        )
    return seen


TASKS = list(EVERYTHING)


@pytest.mark.parametrize("name", TASKS)
def test_episodes_do_not_depend_on_the_number_of_environments_or_threads(name: str) -> None:
    alone = run(env(name, 1), range(50))
    few = run(env(name, 8, threads=2), range(50), np.array([0]))
    many = env(name, 64, threads=2)
    rows = np.arange(8)
    assert alone == few
    assert run(env(name, 8), range(50)) == run(many, range(50), rows)


@pytest.mark.parametrize("name", TASKS)
def test_a_run_resumes_bit_for_bit_in_the_middle_of_its_episodes(name: str) -> None:
    whole = env(name, 6)
    run(whole, range(13))
    saved = whole.state_dict()
    expected = run(whole, range(13, 50))
    figures = whole.episodes.drain()
    resumed = env(name, 6, seed=99)
    run(resumed, range(7))
    resumed.load_state_dict(saved)
    assert run(resumed, range(13, 50)) == expected
    for key, values in resumed.episodes.drain().items():
        np.testing.assert_array_equal(values, figures[key], err_msg=key)


@pytest.mark.parametrize("name", TASKS)
def test_a_recorded_episode_repeats_bit_for_bit_at_another_index(name: str) -> None:
    source = env(name, 3)
    run(source, range(25))
    source.simulation.begin(np.array([1]))
    source.episodes.begin(np.array([1]))
    record = source.simulation.record(1)
    target = env(name, 5, seed=3)
    run(target, range(11))
    target.simulation.replay(4, record)
    first = source.simulation.transition.observation[1].copy()
    np.testing.assert_array_equal(first, target.simulation.transition.observation[4])
    for step in range(19):
        ours = action(step, np.arange(3), source.action_size)
        theirs = action(step + 5, np.arange(5), source.action_size)
        theirs[4] = ours[1]
        source.simulation.step(ours)
        target.simulation.step(theirs)
        one, other = source.simulation.transition, target.simulation.transition
        for part in ("observation", "reward", "privileged", "terminated", "truncated"):
            np.testing.assert_array_equal(getattr(one, part)[1], getattr(other, part)[4], err_msg=f"{part} {step}")
        if one.terminated[1]:
            break


def test_a_record_of_another_randomisation_is_refused() -> None:
    one = env("pendulum_swingup", 1)
    other = BatchEnv(load_task("pendulum_swingup"), randomized(between("gravity", 0.9, 1.1)), 1)
    with pytest.raises(ValueError, match="the record has the parameters body_mass"):
        other.simulation.replay(0, one.simulation.record(0))


CURRICULA: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "adr": (AdrConfig, {"strategy": "adr", "buffer": 2, "boundary_share": 0.9}),
    "doraemon": (DoraemonConfig, {"strategy": "doraemon", "episodes": 16}),
}


@pytest.mark.parametrize("strategy", list(CURRICULA))
def test_a_run_with_a_moving_curriculum_resumes_from_a_file(strategy: str, tmp_path: Path) -> None:
    schema, config = CURRICULA[strategy]
    curriculum = validate(schema, Sourced(dict(config)))
    whole = env("pendulum_swingup", 16, curriculum=curriculum)
    run(whole, range(45))
    path = tmp_path / "checkpoint.pt"
    plain = {"experiment": "", "contract": "", "iteration": 0, "steps": 0, "seconds": 0.0}
    save_checkpoint(Checkpoint(**plain, policy={}, algorithm={}, environment=whole.state_dict()), path)
    expected, bounds = run(whole, range(45, 130)), whole.simulation.parameters.curriculum.bounds()
    resumed = env("pendulum_swingup", 16, seed=99, curriculum=curriculum)
    resumed.load_state_dict(load_checkpoint(path).environment)
    assert run(resumed, range(45, 130)) == expected
    np.testing.assert_array_equal(resumed.simulation.parameters.curriculum.bounds(), bounds)
