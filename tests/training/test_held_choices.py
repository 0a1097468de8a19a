"""Laws of random choices that are held for several steps."""

import numpy as np
import pytest
import torch

from sim2real.configs.schema.off_policy import DqnConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.held_choices import HeldChoices


def taken(held, steps, epsilon, best=-1):
    """Choices of so many steps, (T, n); the best one is `best`."""
    generator = torch.Generator().manual_seed(0)
    best = torch.full_like(held.held, best)
    return torch.stack([held.explore(best, epsilon, generator) for _ in range(steps)]).numpy()


def lengths_of(begun):
    """Lengths of the spans of explored steps in one environment."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], begun.astype(int), [0]))))
    return edges[1::2] - edges[::2]


def test_held_for_one_step_it_is_plain_epsilon_greedy():
    choices = taken(HeldChoices(20_000, 4, 1), 3, 0.3)
    for row in choices:
        assert [np.mean(row == choice) for choice in (-1, 0, 1, 2, 3)] == pytest.approx([0.7, *[0.075] * 4], abs=0.01)


def test_spans_are_as_long_as_said_alike_and_of_one_choice():
    rows = taken(HeldChoices(1000, 1000, 4), 400, 0.02)
    spans = np.concatenate([lengths_of(column >= 0)[1:-1] for column in rows.T if np.count_nonzero(column >= 0)])
    # Two spans in a row read as one: rare with ε = 0.02.
    assert [np.mean(spans == length) for length in (1, 2, 3, 4)] == pytest.approx([0.25] * 4, abs=0.02)
    column = next(column for column in rows.T if (lengths_of(column >= 0) == 4).any())
    begin = next(i for i in range(397) if (column[i : i + 4] >= 0).all() and (i == 0 or column[i - 1] < 0))
    assert len(set(column[begin : begin + 4])) == 1


def test_the_share_of_explored_steps_is_that_of_its_mean_duration():
    rows = taken(HeldChoices(4000, 3, 4), 200, 0.1)[50:]
    # A cycle is 9 greedy steps before each begin, on the mean, and 2.5 explored ones.
    assert np.mean(rows >= 0) == pytest.approx(2.5 / (9.0 + 2.5), abs=0.005)


def test_nothing_is_held_beyond_the_end_of_an_episode():
    held, generator = HeldChoices(2, 3, 1000), torch.Generator().manual_seed(1)
    best = torch.full((2,), -1)
    held.explore(best, 1.0, generator)
    assert (held.left > 0).all()
    held.end(np.array([True, False]))
    assert held.explore(best, 0.0, generator).tolist()[0] == -1
    assert held.explore(best, 0.0, generator).tolist()[1] >= 0


@pytest.mark.parametrize("warmup", [10_000, 0])
def test_dqn_holds_its_random_actions_in_the_warm_up_and_later(warmup, point_environment):
    config = DqnConfig(
        name="dqn", batch=32, buffer=4096, warmup=warmup, iteration_steps=24, updates_per_step=1.0, hidden=(8,),
        exploration_hold=6, exploration_range=(1.0, 1.0),
    )  # fmt: skip
    environment, seen = point_environment(64), []
    step = environment.step_arrays
    environment.step_arrays = lambda actions: (seen.append(actions.copy()), step(actions))[1]
    learner = make_algorithm(config, environment, 0)
    learner.start(0)
    learner.iterate(0.0)
    changes = np.mean(np.diff(np.stack(seen)[:, :, 0], axis=0) != 0.0)
    # Spans of 3.5 steps, of which the next differs with 2 of 3; a little more where episodes end.
    assert changes == pytest.approx(2.0 / 3.0 / 3.5, abs=0.03)


def test_boltzmann_exploration_holds_nothing():
    with pytest.raises(ValueError, match="not with exploration boltzmann; valid: 1"):
        DqnConfig(name="dqn", exploration="boltzmann", exploration_hold=2)
