"""Laws of every registered algorithm. A new one adds its row to ROWS; nothing else here knows any of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from other_device import NAME as OTHER
from other_device import inside, other_device

from sim2real.configs.errors import NonFiniteError
from sim2real.configs.schema.algorithm import ALGORITHMS
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from sim2real.training.export import PARITY_MAX, export_policy
from sim2real.training.learner_watch import LearnerWatch
from sim2real.training.recorded import Sequences
from sim2real.training.watched_environment import WatchedEnvironment

ENVIRONMENTS = 12
EPISODE_STEPS = 9


@dataclass(frozen=True)
class Row:
    """An algorithm as the suite runs it."""

    small: dict[str, object]
    """Switches with which an iteration is short, and sees the ends of episodes."""
    values_successors: bool = True
    """Whether it learns from the state after a truncated step, as all do that have a value function."""
    iterations: int = 2
    """Iterations after which every weight of the policy depends on the data."""
    costly: bool = False
    """Whether the environment has a cost with a budget."""
    choosing: bool = False
    """Whether the environment has three actions to choose from."""
    offline: bool = False
    """Whether it learns from demonstrations alone, and steps no environment."""
    algorithm: str | None = None
    """Its name where a row is of a variant; None: the name of the row."""


REPLAYED: dict[str, object] = {
    "batch": 32,
    "buffer": 512,
    "warmup": 48,
    "iteration_steps": 16,
    "updates_per_step": 1.5,
}
EPISODES = {"rollout_steps": EPISODE_STEPS + 1}
SEARCH = {"population": 24, "episode_steps_max": 20}
SHOWN: dict[str, object] = {
    "batch": 16,
    "updates": 3,
    "demonstrations": (str(Path(__file__).parents[1] / "runtime/data/pendulum_swingup.mcap"),),
}
TAUGHT: dict[str, object] = {
    "batch": 16,
    "updates": 3,
    "rollout_steps": EPISODE_STEPS + 2,
    "buffer": 15 * ENVIRONMENTS,
    "teacher": "pendulum_swingup",
    "teacher_share": 0.8,
}
RECURRENT: dict[str, object] = {"memory": MemoryConfig(kind="gru", size=5), "sequence_length": 4, "burn_in": 2}
ROWS = {
    "a2c": Row({"rollout_steps": 10}),
    "bc": Row(SHOWN, values_successors=False, offline=True),
    "bc with memory": Row(SHOWN | RECURRENT, values_successors=False, offline=True, algorithm="bc"),
    "dagger": Row(TAUGHT | {"squash": True}, values_successors=False),
    "dagger with memory": Row(TAUGHT | RECURRENT, values_successors=False, algorithm="dagger"),
    "cem": Row(SEARCH, values_successors=False),
    "cma_es": Row(SEARCH, values_successors=False),
    "importance_pg": Row({**EPISODES, "updates": 2}),
    "npg": Row({"rollout_steps": 10, "cg_iterations": 3}),
    "ppo_penalty": Row({"rollout_steps": 10, "minibatches": 2, "epochs": 2, "symmetry": "data"}),
    "reinforce": Row(EPISODES),
    "reps": Row(SEARCH, values_successors=False),
    "rwr": Row(SEARCH, values_successors=False),
    "trpo": Row({"rollout_steps": 10, "cg_iterations": 3, "damping": 0.01}),
    "ppo": Row({"rollout_steps": 16, "minibatches": 2, "epochs": 2}),
    "ppo with an anchor": Row(
        {"rollout_steps": 16, "minibatches": 2, "epochs": 2, "symmetry": "data", "anchor": {"share": 1.0}},
        algorithm="ppo",
    ),
    "ppo with memory": Row(
        {"rollout_steps": 16, "minibatches": 2, "epochs": 2, "memory": MemoryConfig(kind="lstm", size=5)},
        algorithm="ppo",
    ),
    "ppo with memory and symmetry": Row(
        {
            "rollout_steps": 16,
            "minibatches": 2,
            "epochs": 2,
            "memory": MemoryConfig(kind="gru", size=5),
            "symmetry": "data",
        },
        algorithm="ppo",
    ),
    "ppo with choices": Row({"rollout_steps": 16, "minibatches": 2, "epochs": 2}, choosing=True, algorithm="ppo"),
    "trpo with choices": Row(
        {"rollout_steps": 10, "cg_iterations": 3, "damping": 0.01}, choosing=True, algorithm="trpo"
    ),
    "ppo with costs": Row({"rollout_steps": 16, "minibatches": 2, "epochs": 2}, costly=True, algorithm="ppo"),
    "sac": Row(REPLAYED),
    "sac with memory": Row(
        REPLAYED | {"memory": MemoryConfig(kind="gru", size=5), "sequence_length": 4, "burn_in": 3}, algorithm="sac"
    ),
    "sac with memory and symmetry": Row(
        REPLAYED
        | {"memory": MemoryConfig(kind="lstm", size=5), "sequence_length": 4, "burn_in": 3, "symmetry": "data"},
        algorithm="sac",
    ),
    "sac with normalised critics": Row(
        REPLAYED | {"normalized_critic": {"hidden": (6, 7), "renormalize_after": 8, "policy_delay": 2}}, algorithm="sac"
    ),
    "td3": Row(REPLAYED | {"n_step": 3, "symmetry": "data"}),
    "dqn": Row(REPLAYED | {"dueling": True, "prioritized": True, "n_step": 2, "exploration_hold": 5}),
    "ddpg": Row(REPLAYED | {"noise_correlation": 0.8}),
}
NAMES = sorted(ROWS)
STEPPING = [name for name in NAMES if not ROWS[name].offline]


def config_of(name):
    algorithm = ROWS[name].algorithm or name
    return ALGORITHMS[algorithm].config.model_validate({"name": algorithm, "hidden": (8,), **ROWS[name].small})


def begun(name, environment, seed=5):
    learner = make_algorithm(config_of(name), environment, seed)
    learner.start(seed)
    return learner


def iterated(name, environment, seed=5):
    """A learner after some iterations, and its figures of the last."""
    learner = begun(name, environment, seed)
    for iteration in range(ROWS[name].iterations):
        _, metrics = learner.iterate(iteration / ROWS[name].iterations)
    return learner, metrics


def gone_on(name, environment, path):
    """A new learner that goes on from the checkpoint after the second of four iterations, to the end."""
    saved = load_checkpoint(path)
    learner = make_algorithm(config_of(name), environment, 99)
    learner.policy.load_state_dict(saved.policy)
    learner.restore(saved.algorithm)
    environment.load_state_dict(saved.environment)
    for iteration in (2, 3):
        learner.iterate(iteration / 4)
    return learner


def same(one, other):
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.fixture
def environment_of(point_environment, name):
    """Return a function that makes an environment whose steps are seen by `change` before the learner has them."""

    class Changed(point_environment):
        def __init__(self, change):
            row = ROWS[name]
            kind = {"costly": row.costly, "choosing": row.choosing}
            super().__init__(ENVIRONMENTS, episode_steps=EPISODE_STEPS, gift=True, **kind)
            self.change, self.calls, self.actions = change, 0, None

        def step_arrays(self, actions):
            self.calls += 1
            out = super().step_arrays(actions)
            self.change(self, out)
            return out

        def _begin(self, rows):
            super()._begin(rows)
            self.x[rows, 1] *= 6.0  # some leave the range before the time limit

    return lambda change=lambda environment, out: None: Changed(change)


@pytest.fixture
def plain(environment_of):
    return environment_of()


def test_every_registered_algorithm_has_its_row():
    assert {row.algorithm or name for name, row in ROWS.items()} == set(ALGORITHMS.names)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bits_and_another_one_others(name, environment_of, leaves):
    first, again, other = (iterated(name, environment_of(), seed)[0] for seed in (5, 5, 6))
    one, two = (leaves([learner.policy.state_dict(), learner.state()]) for learner in (first, again))
    assert all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in zip(one, two, strict=True))
    assert not torch.equal(first.policy.head.weight, other.policy.head.weight)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_goes_on_from_a_checkpoint_bit_for_bit(name, environment_of, leaves, tmp_path):
    environment = environment_of()
    learner = begun(name, environment)
    for iteration in range(4):
        if iteration == 2:
            parts = learner.policy.state_dict(), learner.state(), environment.state_dict()
            save_checkpoint(Checkpoint("name: test\n", "{}", 2, 256, 1.0, *parts), tmp_path / "2.pt")
        learner.iterate(iteration / 4)
    resumed_environment = environment_of()
    resumed = gone_on(name, resumed_environment, tmp_path / "2.pt")
    expected = leaves([learner.policy.state_dict(), learner.state(), environment.state_dict()])
    found = leaves([resumed.policy.state_dict(), resumed.state(), resumed_environment.state_dict()])
    assert len(expected) == len(found) > 20
    for one, two in zip(expected, found, strict=True):
        assert torch.equal(one, two) if isinstance(one, torch.Tensor) else one == two


@pytest.mark.parametrize("name", NAMES)
def test_the_policy_is_exported_and_agrees_with_torch(name, plain, tmp_path):
    learner, _ = iterated(name, plain)
    seen = np.random.default_rng(0).normal(size=(70, plain.observation_size)).astype(np.float32)
    begins = np.zeros((10, 7), np.bool_)
    begins[0] = begins[4, :3] = True
    sequences = Sequences(seen.reshape(10, 7, -1), begins)
    report = export_policy(learner.policy, plain.contract, tmp_path / "policy.onnx", {}, seen, sequences)
    assert report.parity <= PARITY_MAX


@pytest.mark.parametrize("name", NAMES)
def test_an_iteration_reports_its_steps_its_times_and_a_loss(name, plain):
    learner = begun(name, plain)
    for iteration in range(ROWS[name].iterations):
        before = plain.calls
        steps, metrics = learner.iterate(iteration / ROWS[name].iterations)
        if ROWS[name].offline:
            assert steps > 0
            assert plain.calls == 0
        else:
            assert steps == (plain.calls - before) * ENVIRONMENTS
    assert all(isinstance(value, float) for value in metrics.values())
    assert metrics["time/collect_s"] >= 0.0 <= metrics["time/learn_s"]
    assert any("loss" in figure for figure in metrics)
    LearnerWatch(learner).after_iteration(metrics)


@pytest.mark.parametrize("name", STEPPING)
def test_a_reward_that_is_not_finite_stops_it_by_name(name, environment_of):
    def broken(environment, out):
        if environment.calls == 5:
            out.reward[3] = np.nan

    learner = begun(name, WatchedEnvironment(environment_of(broken)))
    with pytest.raises(NonFiniteError, match="reward of environment 3 is nan"):
        learner.iterate(0.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_that_is_not_finite_is_named(name, plain):
    learner, metrics = iterated(name, plain)
    with torch.no_grad():
        learner.policy.head.bias[0] = torch.nan
    with pytest.raises(NonFiniteError, match=r"policy\.head\.bias is nan"):
        LearnerWatch(learner).after_iteration(metrics)


@pytest.mark.parametrize("name", STEPPING)
def test_the_state_after_a_terminated_step_has_no_value_and_that_after_a_truncated_one_has(name, environment_of):
    counts = {"terminated": 0, "truncated": 0}

    def altering(kind):
        def alter(environment, out):
            counts[kind] += int(getattr(out, kind).sum())
            out.final_observation[getattr(out, kind)] = 3.0

        return environment_of(alter)

    expected, after_terminated, after_truncated = (
        iterated(name, environment)[0].policy.state_dict()
        for environment in (environment_of(), altering("terminated"), altering("truncated"))
    )
    assert min(counts.values()) > 2
    assert same(expected, after_terminated)
    assert same(expected, after_truncated) != ROWS[name].values_successors


@pytest.mark.parametrize("name", STEPPING)
def test_nothing_is_kept_of_buffers_that_the_environment_overwrites(name, environment_of):
    given = []

    def poison(environment, out):
        for array in given:
            array[...] = 7
        given[:] = [out.observation, out.final_observation, out.final_privileged, out.reward]

    expected, found = (iterated(name, environment)[0] for environment in (environment_of(), environment_of(poison)))
    assert same(expected.policy.state_dict(), found.policy.state_dict())


@pytest.mark.parametrize("name", STEPPING)
def test_rows_that_are_no_steps_teach_nothing(name, environment_of):
    def skipping(reward):
        pending = np.zeros(ENVIRONMENTS, bool)

        def skip(environment, out):
            out.skipped = pending.copy()
            out.terminated &= ~pending
            out.truncated &= ~pending
            out.reward[pending] = reward
            pending[:] = out.terminated | out.truncated

        return environment_of(skip)

    one, other = (iterated(name, skipping(reward))[0].policy.state_dict() for reward in (0.0, 100.0))
    assert same(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_on_another_device_it_learns_the_same_and_a_checkpoint_goes_on_on_either(
    name, environment_of, leaves, tmp_path
):
    environment, path = environment_of(), tmp_path / "2.pt"
    with other_device():
        learner = begun(name, environment)
        for iteration in range(2):
            _, metrics = learner.iterate(iteration / 4)
        assert {tensor.device.type for tensor in learner.policy.state_dict().values()} == {OTHER}
        LearnerWatch(learner).after_iteration(metrics)
        parts = learner.policy.state_dict(), learner.state(), environment.state_dict()
        save_checkpoint(Checkpoint("name: test\n", "{}", 2, 256, 1.0, *parts), path)

    def resumed():
        learner = gone_on(name, environment_of(), path)
        return leaves(inside([learner.policy.state_dict(), learner.state()]))

    stayed = begun(name, environment_of())
    for iteration in range(4):
        stayed.iterate(iteration / 4)
    here = resumed()
    with other_device():
        there = resumed()
    for expected in (leaves([stayed.policy.state_dict(), stayed.state()]), there):
        assert len(expected) == len(here) > 10
        for one, two in zip(expected, here, strict=True):
            assert torch.equal(one, two) if isinstance(one, torch.Tensor) else one == two
