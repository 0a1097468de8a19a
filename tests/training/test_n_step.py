"""Laws of n-step transitions: sums worked by hand, exact at terminal states and at time limits."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim2real.training.n_step import NStepTransitions

GAMMA = 0.5


def step(transitions, state, reward, *, successor, terminated=False, truncated=False, skipped=None, costs=None):
    """Take one step of one environment; the action is the state's number times ten."""
    return transitions.add(
        np.array([[state]], np.float32),
        np.array([[10.0 * state]], np.float32),
        SimpleNamespace(
            reward=np.array([reward], np.float32),
            terminated=np.array([terminated]),
            truncated=np.array([truncated]),
            final_observation=np.array([[successor]], np.float32),
            final_privileged=np.zeros((1, 0), np.float32),
            skipped=None if skipped is None else np.array([skipped]),
        ),
        None if costs is None else np.array([costs], np.float32),
    ).tolist()


def of_three():
    return NStepTransitions(3, GAMMA, 1, 1, 1)


def test_a_running_episode_gives_one_transition_a_step_after_n_steps():
    transitions = of_three()
    assert step(transitions, 1, 1.0, successor=2) == []
    assert step(transitions, 2, 2.0, successor=3) == []
    # From state 1: 1 + 2/2 + 4/4 = 3, and the value of state 4 with γ³ = 1/8.
    assert step(transitions, 3, 4.0, successor=4) == [[1.0, 10.0, 3.0, 0.125, 4.0]]
    # From state 2: 2 + 4/2 + 8/4 = 6.
    assert step(transitions, 4, 8.0, successor=5) == [[2.0, 20.0, 6.0, 0.125, 5.0]]


def test_a_terminal_state_completes_all_transitions_and_has_no_value():
    transitions = of_three()
    step(transitions, 1, 1.0, successor=2)
    step(transitions, 2, 2.0, successor=3)
    rows = step(transitions, 3, 4.0, successor=4, terminated=True)
    assert rows == [[1.0, 10.0, 3.0, 0.0, 4.0], [2.0, 20.0, 4.0, 0.0, 4.0], [3.0, 30.0, 4.0, 0.0, 4.0]]
    # The next episode begins with nothing of this one.
    assert step(transitions, 6, 1.0, successor=7) == []


def test_a_time_limit_bootstraps_from_the_final_observation_discounted_by_the_steps_taken():
    transitions = of_three()
    step(transitions, 1, 1.0, successor=2)
    rows = step(transitions, 2, 2.0, successor=9, truncated=True)
    # Two steps: γ² of the value of 9; one step: γ.
    assert rows == [[1.0, 10.0, 2.0, 0.25, 9.0], [2.0, 20.0, 2.0, 0.5, 9.0]]


def test_a_skipped_row_is_no_step():
    transitions = of_three()
    assert step(transitions, 1, 1.0, successor=2, truncated=True) == [[1.0, 10.0, 1.0, 0.5, 2.0]]
    assert step(transitions, 2, 100.0, successor=3, skipped=True) == []
    step(transitions, 3, 1.0, successor=4)
    step(transitions, 4, 1.0, successor=5)
    assert step(transitions, 5, 1.0, successor=6) == [[3.0, 30.0, 1.75, 0.125, 6.0]]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_sums_are_those_of_a_loop_over_whole_episodes(n, point_environment):
    environment = point_environment(7, seed=3, episode_steps=9)
    transitions = NStepTransitions(n, 0.9, 7, environment.observation_size, 1)
    running, expected, found = [[] for _ in range(7)], [], []
    observation, random = environment.reset_arrays(3), np.random.default_rng(0)
    environment.stagger()
    for _ in range(40):
        action = random.uniform(-1, 1, (7, 1)).astype(np.float32)
        out = environment.step_arrays(action)
        found.append(transitions.add(observation, action, out))
        for of in range(7):
            running[of].append((observation[of], action[of], out.reward[of], out.final_observation[of]))
            if out.terminated[of] or out.truncated[of]:
                expected += whole(running[of], n, 0.9, terminated=out.terminated[of])
                running[of] = []
        observation = out.observation.copy()
    expected, found = np.array(sorted(expected)), np.array(sorted(np.concatenate(found).tolist()))
    keys = {tuple(row[: environment.observation_size + 1]) for row in expected.astype(np.float32).tolist()}
    found = np.array([row for row in found.tolist() if tuple(row[: environment.observation_size + 1]) in keys])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def whole(steps, n, gamma, *, terminated):
    """Return all transitions of a finished episode."""
    rows = []
    for begin in range(len(steps)):
        taken = steps[begin : begin + n]
        total = sum(gamma**k * float(reward) for k, (_, _, reward, _) in enumerate(taken))
        last = begin + n >= len(steps)
        discount = 0.0 if last and terminated else gamma ** len(taken)
        rows.append([*steps[begin][0].tolist(), *steps[begin][1].tolist(), total, discount, *taken[-1][3].tolist()])
    return rows


def test_more_transitions_than_the_buffer_holds_are_refused(point_environment):
    from sim2real.configs.errors import ConfigError
    from sim2real.configs.schema.off_policy import SacConfig
    from sim2real.training.algorithms import make_algorithm

    with pytest.raises(ConfigError, match=r"algorithm\.buffer: 40 transitions; one step of 16 environments"):
        make_algorithm(SacConfig(name="sac", buffer=40, n_step=3), point_environment(16), 0)


def test_costs_are_summed_as_rewards_are():
    transitions = NStepTransitions(2, GAMMA, 1, 1, 1, costs=2)
    assert step(transitions, 1, 1.0, successor=2, costs=(10.0, -1.0)) == []
    # Reward 1 + 2/2, costs 10 + 20/2 and -1 + 3/2.
    assert step(transitions, 2, 2.0, successor=3, costs=(20.0, 3.0)) == [[1.0, 10.0, 2.0, 20.0, 0.5, 0.25, 3.0]]
    rows = step(transitions, 3, 4.0, successor=4, costs=(2.0, 2.0), terminated=True)
    assert rows == [[2.0, 20.0, 4.0, 21.0, 4.0, 0.0, 4.0], [3.0, 30.0, 4.0, 2.0, 2.0, 0.0, 4.0]]
