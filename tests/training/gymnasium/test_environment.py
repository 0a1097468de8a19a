"""Laws of foreign environments: true successors in every autoreset mode, and nothing learned that did not happen."""

import gymnasium
import numpy as np
import pytest
import torch
from counting import LENGTHS, CountingEnv, counting
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from sim2real.configs.errors import UserError
from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.configs.schema.gymnasium import InfoCostConfig
from sim2real.configs.schema.off_policy import SacConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.gymnasium.environment import GymnasiumEnvironment
from sim2real.training.watched_environment import WatchedEnvironment

MODES = [mode.name for mode in AutoresetMode]


def transitions(environment, steps, seed=0):
    """Return what really happened in each environment: observation, successor, reward, terminated, truncated."""
    told = [[] for _ in range(environment.num_envs)]
    before = environment.reset_arrays(seed).copy()
    for _ in range(steps):
        out = environment.step_arrays(np.zeros((environment.num_envs, environment.action_size), np.float32))
        for row, rows in enumerate(told):
            if out.skipped is None or not out.skipped[row]:
                rows.append(
                    (
                        before[row].tolist(),
                        out.final_observation[row].tolist(),
                        float(out.reward[row]),
                        bool(out.terminated[row]),
                        bool(out.truncated[row]),
                    )
                )
        before = out.observation.copy()
    return told


def expected(index, length, count):
    """Return what happens in one environment, worked by hand."""
    rows = []
    for number in range(count):
        episode, step = divmod(number, length)
        ended, odd = step + 1 == length, bool(index % 2)
        rows.append(
            (
                [index, episode, step],
                [index, episode, step + 1],
                100.0 * episode + step + 1,
                ended and odd,
                ended and not odd,
            )
        )
    return rows


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_tells_the_same_true_transitions(mode):
    told = transitions(GymnasiumEnvironment(counting(mode)), 20)
    for index, (length, rows) in enumerate(zip(LENGTHS, told, strict=True)):
        assert rows == expected(index, length, len(rows))
        assert len(rows) == (20 if mode != "NEXT_STEP" else 20 - 20 // (length + 1))


@pytest.mark.realtime
@pytest.mark.parametrize("mode", MODES)
def test_environments_in_processes_tell_the_same(mode):
    environment = counting(mode, kind=AsyncVectorEnv)
    try:
        told = transitions(GymnasiumEnvironment(environment), 12)
    finally:
        environment.close()
    for index, (length, rows) in enumerate(zip(LENGTHS, told, strict=True)):
        assert rows == expected(index, length, len(rows))


@pytest.mark.parametrize("mode", MODES)
def test_statistics_are_of_whole_episodes_as_they_were_paid(mode):
    environment = GymnasiumEnvironment(counting(mode), reward_scale=0.25)
    transitions(environment, 20)
    figures = environment.episodes.drain()
    lengths = figures["length"].tolist()
    assert sorted(set(lengths)) == sorted(LENGTHS)
    for row, length in enumerate(lengths):
        odd = LENGTHS.index(int(length)) % 2 == 1
        assert figures["return"][row] % 100.0 == sum(range(1, int(length) + 1)) % 100.0
        assert figures["terminated"][row] == figures["end/terminated"][row] == figures["success"][row] == float(odd)
        assert figures["end/time_limit"][row] == float(not odd)
    first = [figures["return"][lengths.index(length)] for length in LENGTHS]
    assert first == [sum(range(1, length + 1)) for length in LENGTHS]
    assert not len(environment.episodes.drain()["return"])


@pytest.mark.parametrize("mode", MODES)
def test_costs_are_those_of_the_step_in_every_mode(mode):
    environment = GymnasiumEnvironment(counting(mode), costs={"paid": InfoCostConfig(budget=2.0)})
    assert environment.cost_budgets == {"paid": 2.0}
    environment.reset_arrays(0)
    for _ in range(20):
        out = environment.step_arrays(np.zeros((3, 2), np.float32))
        step = np.ones(3, bool) if out.skipped is None else ~out.skipped
        assert environment.costs[:, 0].tolist() == np.where(step, out.reward, 0.0).tolist()
    finished = environment.episodes.drain()
    assert (finished["cost/paid"] * finished["length"]).tolist() == finished["return"].tolist()


def test_a_cost_above_a_bound_is_counted():
    environment = GymnasiumEnvironment(
        counting("SAME_STEP"),
        costs={"paid": InfoCostConfig(budget=0.5, above=2.0), "is_success": InfoCostConfig(budget=1.0)},
    )
    environment.reset_arrays(0)
    counted = [
        environment.step_arrays(np.zeros((3, 2), np.float32)) and environment.costs[1].tolist() for _ in range(5)
    ]
    assert counted == [[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("mode", MODES)
def test_a_cost_that_is_not_said_is_refused_with_what_there_is(mode):
    environment = GymnasiumEnvironment(counting(mode), costs={"speed": InfoCostConfig(budget=1.0)})
    environment.reset_arrays(0)
    with pytest.raises(UserError, match=r"costs\.speed: environment 0 of .* no number 'speed'.*: is_success, paid"):
        environment.step_arrays(np.zeros((3, 2), np.float32))


def test_the_learner_is_paid_scaled_rewards():
    environment = GymnasiumEnvironment(counting("SAME_STEP"), reward_scale=0.25)
    assert transitions(environment, 1)[0][0][2] == 0.25


def test_an_end_of_both_kinds_is_a_termination():
    class Both(CountingEnv):
        def step(self, action):
            observation, reward, terminated, truncated, info = super().step(action)
            ended = terminated or truncated
            return observation, reward, ended, ended, info

    environment = GymnasiumEnvironment(SyncVectorEnv([Both], autoreset_mode=AutoresetMode.SAME_STEP))
    last = transitions(environment, 3)[0][-1]
    assert last[3:] == (True, False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_plus_and_minus_one_are_the_bounds_and_beyond_is_clipped(dtype):
    low, high = np.array([[-2.0, 0.1], [-1e-3, -7.0]], dtype), np.array([[6.0, 0.3], [1e-3, -7.0]], dtype)
    environment = counting("SAME_STEP", (9,), action=Box(low, high, dtype=dtype))
    learner = GymnasiumEnvironment(environment)
    learner.reset_arrays(0)
    for value in (-1.0, 1.0, -50.0, 50.0, 0.0):
        learner.step_arrays(np.full((1, 4), value, np.float32))
    seen = environment.envs[0].seen
    assert [action.dtype for action in seen] == [np.dtype(dtype)] * 5
    for action, bound in zip(seen, (low, high, low, high), strict=False):
        assert np.array_equal(action, bound)
    assert np.allclose(seen[4], (low + high) / 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (), (2, 3), (2, 2, 3)])
def test_observations_of_any_shape_and_type_are_flat_rows(shape, dtype):
    environment = counting("SAME_STEP", shape=shape, dtype=dtype)
    learner = GymnasiumEnvironment(environment)
    rows = learner.reset_arrays(0)
    assert rows.shape == (3, max(1, int(np.prod(shape))))
    assert rows.dtype == np.float32
    assert np.array_equal(rows, environment.reset(seed=0)[0].reshape(3, -1) - np.resize([0, 1, 0], rows.shape[1]))


def test_an_observation_too_large_for_single_precision_stops_the_run_by_name():
    class Huge(CountingEnv):
        def _observe(self):
            return np.array([0.0, 1e300, 0.0])

    vector = SyncVectorEnv([Huge], autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(UserError, match=r"observation\[1\] of environment 0 is inf"):
        WatchedEnvironment(GymnasiumEnvironment(vector)).reset_arrays(0)


@pytest.mark.parametrize(
    ("space", "says"),
    [
        (Box(-np.inf, 1.0, (2,)), "the bounds of action 0, 1 are not finite"),
        (Box(0, 255, (2,), np.uint8), "actions of type uint8 are not continuous; valid: float32, float64"),
        (Box(0.0, 1.0, (0,)), "has no values"),
    ],
)
def test_actions_that_cannot_be_learned_are_refused_in_one_line(space, says):
    class Other(CountingEnv):
        def __init__(self):
            super().__init__(action=space)

    with pytest.raises(UserError, match=says) as caught:
        GymnasiumEnvironment(SyncVectorEnv([Other], autoreset_mode=AutoresetMode.SAME_STEP))
    assert "\n" not in str(caught.value)


def test_observations_that_are_no_box_are_refused_in_one_line():
    class Other(CountingEnv):
        def __init__(self):
            super().__init__()
            self.observation_space = Dict(a=Box(0, 1), b=Discrete(2))

    with pytest.raises(UserError, match=r"observation space Dict: our learners take a Box; .*FlattenObservation"):
        GymnasiumEnvironment(SyncVectorEnv([Other], autoreset_mode=AutoresetMode.SAME_STEP))


def test_an_environment_says_how_it_begins_again_or_is_told():
    vector = counting("NEXT_STEP")
    vector.metadata = {}
    with pytest.raises(UserError, match="give autoreset, one of next_step, same_step, disabled"):
        GymnasiumEnvironment(vector)
    assert GymnasiumEnvironment(vector, autoreset="next_step").autoreset is AutoresetMode.NEXT_STEP
    with pytest.raises(UserError, match=r"autoreset same_step: .* says next_step"):
        GymnasiumEnvironment(counting("NEXT_STEP"), autoreset="same_step")
    with pytest.raises(UserError, match="'sometimes' is unknown"):
        GymnasiumEnvironment(vector, autoreset="sometimes")


def test_a_same_step_environment_without_successors_is_refused():
    class Forgetful(gymnasium.vector.VectorWrapper):
        def step(self, actions):
            *result, _ = self.env.step(actions)
            return *result, {}

    environment = GymnasiumEnvironment(Forgetful(counting("SAME_STEP")))
    with pytest.raises(UserError, match=r"environment 0 ended an episode .* 'final_obs'"):
        transitions(environment, 3)


PPO = PpoConfig(name="ppo", rollout_steps=8, epochs=2, minibatches=2, hidden=(8,))
SAC = SacConfig(name="sac", warmup=9, batch=16, iteration_steps=8, updates_per_step=1.0, hidden=(8,), buffer=100)


class Poisoned(GymnasiumEnvironment):
    """Pays a fortune in rows that are no step."""

    def step_arrays(self, actions):
        out = super().step_arrays(actions)
        if out.skipped is not None:
            assert not out.reward[out.skipped].any()
            out.reward[out.skipped] = 1e9
        return out


@pytest.mark.parametrize("config", [PPO, SAC], ids=["ppo", "sac"])
@pytest.mark.parametrize("lengths", [LENGTHS, (3,)], ids=["three", "one"])
def test_nothing_is_learned_from_a_step_that_only_begins_an_episode(config, lengths):
    weights = []
    for kind in (GymnasiumEnvironment, Poisoned):
        algorithm = make_algorithm(config, kind(counting("NEXT_STEP", lengths)), 0)
        algorithm.start(0)
        for _ in range(4):
            algorithm.iterate(0.0)
        weights.append(algorithm.policy.state_dict())
    moments = weights[0]["normalizer.moments.count"]
    assert moments < 4 * 8 * len(lengths)
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]), name
        assert bool(torch.isfinite(tensor).all()), name


class Restoring(SyncVectorEnv):
    """Offers its state."""

    def state_dict(self):
        return {"counts": [(env.episode, env.step_count) for env in self.envs], "pending": self._autoreset_envs}

    def load_state_dict(self, state):
        for env, (episode, step) in zip(self.envs, state["counts"], strict=True):
            env.episode, env.step_count = episode, step
        self._autoreset_envs = state["pending"].copy()


@pytest.mark.parametrize("mode", ["NEXT_STEP", "SAME_STEP"])
def test_an_environment_that_offers_its_state_goes_on_from_it(mode):
    def rest(environment):
        steps = [environment.step_arrays(np.zeros((3, 2), np.float32)).observation.tolist() for _ in range(9)]
        return steps, environment.episodes.drain()["return"].tolist()

    one, other = (GymnasiumEnvironment(counting(mode, kind=Restoring)) for _ in range(2))
    transitions(one, 5)
    one.episodes.drain()
    state = one.state_dict()
    assert one.restores
    other.reset_arrays(1)
    other.load_state_dict(state)
    assert rest(one) == rest(other)


def test_an_environment_without_a_state_saves_none():
    environment = GymnasiumEnvironment(counting("SAME_STEP"))
    assert not environment.restores
    assert environment.state_dict() == {}
