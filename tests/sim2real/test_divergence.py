"""Laws of simulations that diverge: ended, counted, saved, told, and never seen."""

import numpy as np
import pytest
from worlds import pendulum, qpos

from configs.load import load_randomization
from sim2real.env import BatchEnv


@pytest.fixture
def env() -> BatchEnv:
    env = BatchEnv(pendulum(), load_randomization("pendulum"), 8, seed=1)
    env.reset_arrays(1)
    return env


def step(env: BatchEnv):
    return env.step_arrays(np.zeros((env.num_envs, 1), np.float32))


def test_a_diverged_simulation_is_ended_counted_and_never_seen(env: BatchEnv) -> None:
    qpos(env.simulation)[3] = np.nan
    out = step(env)
    assert out.terminated.tolist() == [False, False, False, True, False, False, False, False]
    assert env.episodes.diverged == 1
    for values in (out.observation, out.final_observation, out.reward):
        assert np.isfinite(values).all()
    for _ in range(5):
        out = step(env)
        assert not out.terminated.any()
        assert np.isfinite(out.observation).all()


def test_a_state_that_is_no_number_leaves_no_trace_in_the_figures_of_its_episode(
    env: BatchEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    step(env)
    advance = env.simulation._advance

    def poisoned() -> np.ndarray | None:
        failed = advance()
        qpos(env.simulation)[2] = np.nan
        return failed

    monkeypatch.setattr(env.simulation, "_advance", poisoned)
    out = step(env)
    assert np.flatnonzero(out.terminated).tolist() == [2]
    assert out.reward[2] == -env.simulation.task.termination_penalty
    finished = env.episodes.drain()
    assert finished["length"].tolist() == [2]
    assert all(np.isfinite(values).all() for values in finished.values())
