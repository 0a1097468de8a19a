"""Laws of diverged simulations: terminated, counted, saved, reproduced, and hidden from the learner."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import mujoco
import numpy as np
import pytest
from worlds import EVERYTHING, pendulum, qpos, qvel, randomized

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_randomization, load_task
from sim2real.envs.batch_env import BatchEnv
from sim2real.simulation.divergence import reproduce


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


def test_a_nan_state_does_not_affect_the_figures_of_its_episode(env: BatchEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    step(env)
    find = env.simulation.divergence.find

    def find_poisoned(failed: np.ndarray | None) -> np.ndarray:
        qpos(env.simulation)[2] = np.nan  # after the physics step
        return find(failed)

    monkeypatch.setattr(env.simulation.divergence, "find", find_poisoned)
    out = step(env)
    assert np.flatnonzero(out.terminated).tolist() == [2]
    assert out.reward[2] == -env.simulation.task.termination_penalty
    finished = env.episodes.drain()
    assert finished["length"].tolist() == [2]
    assert all(np.isfinite(values).all() for values in finished.values())


def test_a_control_that_is_no_number_is_a_divergence_and_not_a_zero(
    env: BatchEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MuJoCo sets all controls to zero and goes on, as if the policy had commanded that."""
    control = env.simulation.batch.bind("ctrl")
    snapshot = env.simulation.divergence.snapshot

    def spoil() -> None:
        control[2] = np.nan
        snapshot()

    monkeypatch.setattr(env.simulation.divergence, "snapshot", spoil)
    out = step(env)
    assert np.flatnonzero(out.terminated).tolist() == [2]
    assert env.episodes.diverged == 1
    assert env.episodes.drain()["end/diverged"].tolist() == [1.0]


# With everything that could propagate NaN


def everything(name: str, n: int = 4, *overrides: str) -> BatchEnv:
    env = BatchEnv(load_task(name, overrides), randomized(*EVERYTHING[name]), n, seed=2)
    env.reset_arrays(2)
    for _ in range(3):
        env.step_arrays(np.zeros((n, env.action_size), np.float32))
    return env


def break_position(env: BatchEnv) -> None:
    qpos(env.simulation)[1, 0] = np.nan


def break_control(env: BatchEnv) -> None:
    qvel(env.simulation)[1] = 1e9


def break_gains(env: BatchEnv) -> None:
    """Set gains that are unstable at any time step: MuJoCo itself detects and resets the bad state."""
    env.simulation.batch.expand("dof_damping")[1] = -1e7
    qvel(env.simulation)[1] += 1.0


@pytest.mark.parametrize("name", list(EVERYTHING))
@pytest.mark.parametrize("damage", [break_position, break_control, break_gains])
def test_nan_never_reaches_the_learner(name: str, damage: Callable[[BatchEnv], None]) -> None:
    env = everything(name)
    damage(env)
    seen_broken = False
    for _ in range(4):
        out = env.step_arrays(np.zeros((4, env.action_size), np.float32))
        seen_broken |= bool(out.terminated[1])
        for part in ("observation", "final_observation", "privileged", "final_privileged", "reward"):
            assert np.isfinite(getattr(out, part)).all(), part
    assert seen_broken
    assert env.episodes.diverged >= 1
    for key, values in env.episodes.drain().items():
        # A metric without enough time to be measured is left out.
        assert np.isfinite(values).all() or (key.startswith("metric/") and not np.isinf(values).any()), key
    for index in range(4):
        assert all(np.isfinite(values).all() for values in env.simulation.parameters.record(index).values())


def test_the_figures_of_an_episode_upright_as_its_goal_survive_a_broken_attitude() -> None:
    """Once a performance measured by an IMU stayed NaN from then on."""
    env = everything("quadruped_walk", 4, "performance={term: goal_cosine}")
    break_position(env)
    out = env.step_arrays(np.zeros((4, 12), np.float32))
    assert out.terminated[1]
    assert np.isfinite(env.episodes.drain()["performance"]).all()
    assert np.isfinite(env.episodes.performance).all()


# Saved divergences


def broken_at(env: BatchEnv, folder: Path, index: int = 3) -> Path:
    env.simulation.divergence.folder = folder
    qpos(env.simulation)[index] = 1e300
    step(env)
    (path,) = env.simulation.divergence.saved
    return path


def test_a_saved_divergence_is_reproduced_at_its_physics_step(env: BatchEnv, tmp_path: Path) -> None:
    for _ in range(4):
        step(env)
    record = env.simulation.record(3).document()
    path = broken_at(env, tmp_path / "new" / "folder")
    assert path.is_file()
    assert path.with_suffix(".mjb").is_file()
    found = reproduce(path)
    assert found.diverged
    assert found.physics_step == 0
    assert found.record == record | {"step": 4}


@pytest.mark.parametrize("speed", [1.0, 2.0, 4.0])
def test_a_divergence_late_in_a_control_step_is_found_in_its_own_physics_step(
    env: BatchEnv, tmp_path: Path, speed: float
) -> None:
    """A state that MuJoCo resets is finite afterwards: its warning counts must be read after every step."""
    simulation = env.simulation
    simulation.divergence.folder = tmp_path
    # Negative damping: the speed grows until its acceleration exceeds 1e10.
    simulation.batch.expand("dof_damping")[3] = -20.0
    qvel(simulation)[3] = speed
    model, data = simulation.batch.get_model(3), simulation.batch.get_data(3)
    expected = 0
    while not data.warning[mujoco.mjtWarning.mjWARN_BADQACC].number:
        mujoco.mj_step(model, data)
        expected += 1
    steps = 0
    while not simulation.divergence.saved:
        simulation.step(np.zeros((8, 1), np.float32))
        steps += 1
        assert steps < 100
    found = reproduce(simulation.divergence.saved[0])
    assert found.diverged
    assert 5 * (steps - 1) + found.physics_step == expected - 1
    assert 1e7 < found.largest_velocity < 1e10


def test_a_healthy_step_is_not_called_diverged(env: BatchEnv, tmp_path: Path) -> None:
    divergence = env.simulation.divergence
    divergence.folder = tmp_path
    divergence.snapshot()
    divergence.save(2, {})
    found = reproduce(divergence.saved[0])
    assert not found.diverged
    assert found.physics_step == 4


def test_only_the_first_divergences_are_kept(env: BatchEnv, tmp_path: Path) -> None:
    env.simulation.divergence.folder = tmp_path
    for _ in range(3):
        qpos(env.simulation)[:] = np.nan
        step(env)
    assert env.episodes.diverged == 24
    assert len(env.simulation.divergence.saved) == 8
    assert len(list(tmp_path.glob("*.npz"))) == len(list(tmp_path.glob("*.mjb"))) == 8


def test_without_a_folder_nothing_is_written(env: BatchEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    qpos(env.simulation)[:] = np.nan
    step(env)
    assert not list(tmp_path.glob("diverged*"))


@pytest.mark.parametrize("full", ["model", "state"])
def test_a_full_disk_is_one_line(env: BatchEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str) -> None:
    def no_space(*_args: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if full == "state":
        monkeypatch.setattr("sim2real.simulation.divergence.np.savez", no_space)
    else:
        monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(UserError, match=r"diverged_0\.npz: cannot be written: No space left on device") as caught:
        broken_at(env, tmp_path)
    assert str(caught.value).isprintable()


def test_a_folder_that_cannot_be_made_is_one_line(env: BatchEnv, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written: Not a directory"):
        broken_at(env, tmp_path / "file" / "below")


@pytest.mark.parametrize("damage", ["nothing there", "no model", "cut short", "model cut short", "another archive"])
def test_a_damaged_divergence_is_one_line(env: BatchEnv, tmp_path: Path, damage: str) -> None:
    path = broken_at(env, tmp_path)
    if damage == "nothing there":
        path.unlink()
    elif damage == "no model":
        path.with_suffix(".mjb").unlink()
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[:100])
    elif damage == "model cut short":
        path.with_suffix(".mjb").write_bytes(path.with_suffix(".mjb").read_bytes()[:1000])
    else:
        np.savez(path, something=np.zeros(3))
    with pytest.raises(UserError, match=r"diverged_0\.npz: not a saved divergence") as caught:
        reproduce(path)
    assert str(caught.value).isprintable()
