"""Laws of the benchmarks: measured and missing libraries are named, and all step the same task."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sim2real.benchmark import gymnasium, gymnasium_sides, scale
from sim2real.commands.bench import app
from sim2real.configs.errors import UserError


def test_missing_libraries_are_named_with_their_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gymnasium_sides, "find_spec", lambda name: None)
    sides = [side for side in gymnasium_sides.SIDES if side is not gymnasium_sides.gymnasium_async]  # no processes
    measured = gymnasium.bench_gymnasium(["InvertedPendulum-v5"], 1, 0.01, sides=sides, rounds=2)
    assert measured["figures"]["not_installed"] == [
        "stable_baselines3 (pip install 'sim2real[bench]')",
        "envpool (pip install 'sim2real[bench]')",
    ]
    assert list(measured["ratios"]) == ["InvertedPendulum-v5/over_gymnasium_sync"]
    assert set(measured["figures"]["InvertedPendulum-v5/steps_per_s"]) == {
        "gymnasium_sync",
        "sim2real",
        "sim2real_arrays",
    }


def test_an_unknown_task_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(UserError, match=r"no task 'Cheetah'"):
        gymnasium.bench_gymnasium(["Cheetah"], 1, 0.01)


def test_every_side_counts_its_finished_steps() -> None:
    taken: list[int] = []

    def step(actions: Sequence[Any]) -> None:
        taken.append(len(actions))

    counted = gymnasium_sides.counted(step, [np.zeros((5, 2)), np.zeros((5, 2))])
    assert counted(0) + counted(1) == sum(taken) == 10


def test_envpools_task_is_the_same_one() -> None:
    pytest.importorskip("envpool", reason="pip install 'sim2real[bench]'")
    pool = gymnasium_sides.make_pool("HalfCheetah-v5", 2, 2, 1)
    assert pool.action_space.shape == (6,)
    assert pool.observation_space.shape == (17,)
    observation, _ = pool.reset()
    assert np.abs(observation).max() < 1.0
    pool.close()


@pytest.mark.parametrize("task", ["pendulum_swingup", "HalfCheetah-v5"])
def test_scale_measures_our_tasks_and_gymnasiums(task: str) -> None:
    measured = scale.measure(task, "none", 64, 1, 0.01)
    assert measured.steps_per_s > 0
    assert measured.cpu_us_per_step > 0
    assert 0 <= measured.kib_per_environment < 10_000


@pytest.mark.parametrize("sizes", ["4", "4,4", "0,4", "4,x", "4,70000"])
def test_sizes_must_be_two_numbers_of_environments(sizes: str) -> None:
    result = CliRunner().invoke(app, ["scale", "--sizes", sizes])
    assert result.exit_code != 0
    assert "two or more numbers of 1 to 65536" in " ".join(result.output.split())
