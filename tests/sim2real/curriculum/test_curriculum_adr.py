"""Laws of Automatic Domain Randomization (arXiv 1910.07113, appendix B)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.configs.schema.curriculum import AdrConfig
from sim2real.configs.schema.parameter import ParameterConfig
from sim2real.curriculum.adr import AutomaticDomainRandomization
from sim2real.curriculum.interface import NO_TAG
from sim2real.curriculum.parameter_space import ParameterSpace

MASS = {"parameter": "body_mass", "range": (0.5, 2.0), "step": 0.1}
FRICTION = {"parameter": "ground_friction", "range": (0.4, 1.2), "step": 0.1}
LATENCY = {"parameter": "action_latency", "range": ("0 s", "0.05 s"), "step": "0.01 s"}


def adr_of(*entries, widths=None, **config):
    space = ParameterSpace.of([ParameterConfig(**entry) for entry in entries], widths or [1] * len(entries))
    return AutomaticDomainRandomization(AdrConfig(strategy="adr", **{"buffer": 4, **config}), space)


def play(adr, rng, rounds, score, episodes=32):
    for _ in range(rounds):
        values, tags = adr.draw(rng.random((episodes, adr.uniforms)))
        adr.report(tags, values, np.array([float(score(row)) for row in values]))


def boundary_episode(adr, parameter, side):
    """Uniform numbers of an episode that evaluates a boundary of a movable parameter, by index."""
    candidates = len(adr.bounds())
    return adr.draw(np.array([[0.0, (parameter + 0.5) / candidates, 0.9 * side] + [0.5] * (adr.uniforms - 3)]))


def test_perfect_performance_moves_all_boundaries_outwards_to_the_limits_and_entropy_never_falls():
    adr = adr_of(MASS, FRICTION, LATENCY)
    rng = np.random.default_rng(0)
    assert adr.bounds().tolist() == [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]
    entropies, bounds = [adr.figures()["curriculum/entropy"]], [adr.bounds()]
    for _ in range(150):
        play(adr, rng, 1, lambda values: 1.0)
        entropies.append(adr.figures()["curriculum/entropy"])
        bounds.append(adr.bounds())
    bounds = np.array(bounds)
    assert (np.diff(entropies) >= 0.0).all()
    assert (np.diff(bounds[:, :, 0], axis=0) <= 0.0).all(), "a lower boundary goes down"
    assert (np.diff(bounds[:, :, 1], axis=0) >= 0.0).all(), "an upper boundary goes up"
    assert bounds[-1].tolist() == [[0.5, 2.0], [0.4, 1.2], [0.0, 0.05]], "exactly the limits"
    assert entropies[-1] == 0.0
    # 5 + 10 steps of mass, 6 + 2 of friction, 5 of latency
    assert adr.figures()["curriculum/widened"] == 28
    assert adr.figures()["curriculum/narrowed"] == 0


def test_zero_performance_never_leaves_the_calibrated_value():
    adr = adr_of(MASS, FRICTION, LATENCY, widths=[4, 1, 2])
    play(adr, np.random.default_rng(1), 50, lambda values: 0.0)
    values, _ = adr.draw(np.random.default_rng(2).random((100, adr.uniforms)))
    assert (values == [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]).all()
    assert adr.figures()["curriculum/entropy"] == -5.0


def test_a_full_buffer_moves_its_own_boundary_by_one_step_and_is_cleared():
    adr = adr_of(MASS, FRICTION, buffer=3)
    for results, expected in (((1, 1, 1), 0.9), ((1, 1, 1), 0.8), ((0, 0, 1), 0.9), ((0, 0, 1), 1.0), ((0, 0, 0), 1.0)):
        for result in results:
            values, tags = boundary_episode(adr, 0, side=0)
            assert values[0, 0] == adr.bounds()[0, 0], "the parameter is at its boundary"
            adr.report(tags, values, np.array([float(result)]))
        assert adr.bounds()[0] == pytest.approx([expected, 1.0])
        assert not adr.state_dict()["filled"].any()
        assert not adr.state_dict()["buffer"].any()
    assert adr.bounds()[1].tolist() == [1.0, 1.0], "no other boundary moved"


def test_between_the_thresholds_the_buffer_is_cleared_and_nothing_moves():
    adr = adr_of(MASS, buffer=3, threshold_high=0.8, threshold_low=0.5)
    values, tags = boundary_episode(adr, 0, side=1)
    adr.report(np.repeat(tags, 3), np.repeat(values, 3, axis=0), np.array([1.0, 1.0, 0.0]))
    assert adr.bounds().tolist() == [[1.0, 1.0]]
    assert not adr.state_dict()["filled"].any()
    # The buffer is empty: the next three results decide alone.
    adr.report(np.repeat(tags, 3), np.repeat(values, 3, axis=0), np.array([1.0, 1.0, 1.0]))
    assert adr.bounds()[0] == pytest.approx([1.0, 1.1])


def test_results_of_a_boundary_that_has_moved_since_are_dropped_and_counted():
    adr = adr_of(MASS, buffer=3)
    values, tags = boundary_episode(adr, 0, side=1)
    many = np.repeat(tags, 8), np.repeat(values, 8, axis=0), np.ones(8)
    adr.report(*many)
    assert adr.bounds()[0] == pytest.approx([1.0, 1.1]), "one step, not two"
    assert adr.figures()["curriculum/stale"] == 5
    adr.report(*many)
    assert adr.bounds()[0] == pytest.approx([1.0, 1.1])
    assert adr.figures()["curriculum/stale"] == 13


def test_the_share_of_boundary_episodes_is_as_configured_and_boundaries_are_equally_likely():
    adr = adr_of(MASS, FRICTION, boundary_share=0.3)
    _, tags = adr.draw(np.random.default_rng(3).random((40_000, adr.uniforms)))
    evaluated = tags[tags != NO_TAG]
    assert len(evaluated) / 40_000 == pytest.approx(0.3, abs=0.01)  # four standard errors
    _, counts = np.unique(evaluated, return_counts=True)
    assert counts / len(evaluated) == pytest.approx([0.25] * 4, abs=0.016)


def test_a_boundary_that_can_never_move_is_never_evaluated_but_one_at_its_limit_is():
    fixed = {"parameter": "gravity", "range": (1.0, 1.0)}
    adr = adr_of(LATENCY, fixed, boundary_share=1.0)
    play(adr, np.random.default_rng(4), 10, lambda values: 1.0)
    assert adr.bounds()[0].tolist() == [0.0, 0.05]
    values, tags = adr.draw(np.random.default_rng(5).random((200, adr.uniforms)))
    assert (tags != NO_TAG).all()
    assert (values[:, 0] == 0.05).all(), "always the upper boundary of the latency, which narrows if it must"
    play(adr, np.random.default_rng(6), 20, lambda values: values[0] <= 0.03)
    assert 0.03 <= adr.bounds()[0, 1] <= 0.04


def test_a_boundary_episode_has_all_columns_of_one_parameter_at_the_boundary_and_others_drawn():
    adr = adr_of(MASS, FRICTION, widths=[3, 2])
    play(adr, np.random.default_rng(7), 20, lambda values: 1.0)
    values, tags = adr.draw(np.random.default_rng(8).random((400, adr.uniforms)))
    edges = adr.bounds()
    at_edge = np.isin(values[:, :3], edges[0]), np.isin(values[:, 3:], edges[1])
    for row in np.flatnonzero(tags != NO_TAG):
        whole = [bool(columns[row].all()) for columns in at_edge]
        none = [not columns[row].any() for columns in at_edge]
        assert sorted(whole) == [False, True]
        assert sorted(none) == [False, True]
        assert len(set(values[row, :3])) == 1 or len(set(values[row, 3:])) == 1
    plain = tags == NO_TAG
    assert not at_edge[0][plain].any()
    assert not at_edge[1][plain].any()


def test_episodes_between_boundaries_are_uniform():
    adr = adr_of(MASS, boundary_share=0.5)
    play(adr, np.random.default_rng(9), 100, lambda values: 1.0)
    values, tags = adr.draw(np.random.default_rng(10).random((40_000, adr.uniforms)))
    inside = (values[tags == NO_TAG, 0] - 0.5) / 1.5
    assert np.histogram(inside, bins=4, range=(0.0, 1.0))[0] / len(inside) == pytest.approx([0.25] * 4, abs=0.014)


@pytest.mark.parametrize("seed", [0, 1])
def test_it_finds_the_box_in_which_the_learner_succeeds_within_two_steps(seed):
    box = np.array([[0.7, 1.6], [0.6, 1.1], [0.0, 0.025]])
    adr = adr_of(MASS, FRICTION, LATENCY, widths=[2, 1, 1], buffer=8)
    dimension = np.array([0, 0, 1, 2])

    def succeeds(values):
        return ((values >= box[dimension, 0] - 1e-9) & (values <= box[dimension, 1] + 1e-9)).all()

    play(adr, np.random.default_rng(seed), 400, succeeds)
    steps = np.array([[0.1], [0.1], [0.01]])
    assert (np.abs(adr.bounds() - box) <= 2.0 * steps + 1e-9).all()


def test_a_shorter_last_step_ends_at_the_limit_and_comes_back_to_the_same_place():
    adr = adr_of({"parameter": "body_mass", "range": (1.0, 1.25), "step": 0.1}, buffer=1)
    seen = []
    for result in (1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0):
        values, tags = boundary_episode(adr, 0, side=1)
        adr.report(tags, values, np.array([result]))
        seen.append(adr.bounds()[0, 1])
    assert seen == pytest.approx([1.1, 1.2, 1.25, 1.25, 1.2, 1.1, 1.0, 1.0])


def test_a_categorical_boundary_opens_one_choice_at_a_time_in_both_directions():
    values = {"distribution": "categorical", "values": (0.8, 0.9, 1.0, 1.5, 4.0)}
    adr = adr_of({"parameter": "body_mass", **values}, buffer=1)
    opened = []
    for side in (1, 1, 0, 0, 0):
        values, tags = boundary_episode(adr, 0, side)
        adr.report(tags, values, np.ones(1))
        opened.append(adr.bounds()[0].tolist())
    assert opened == [[1.0, 1.5], [1.0, 4.0], [0.9, 4.0], [0.8, 4.0], [0.8, 4.0]]


@settings(max_examples=40, deadline=None)
@given(
    results=st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 1), st.sampled_from([0.0, 0.5, 0.6, 0.8, 1.0])), max_size=80
    ),
    buffer=st.integers(1, 3),
)
def test_boundaries_always_hold_the_calibrated_value_and_stay_within_the_limits(results, buffer):
    adr = adr_of(MASS, FRICTION, buffer=buffer)
    moves = 0
    for parameter, side, result in results:
        before = adr.bounds()
        values, tags = boundary_episode(adr, parameter, side)
        adr.report(tags, values, np.array([result]))
        after = adr.bounds()
        assert (after[:, 0] <= 1.0).all()
        assert (after[:, 1] >= 1.0).all()
        assert (after[:, 0] >= [0.5, 0.4]).all()
        assert (after[:, 1] <= [2.0, 1.2]).all()
        assert np.abs(after - before).max() <= 0.1 + 1e-9
        moves += int((after != before).sum())
    figures = adr.figures()
    assert figures["curriculum/widened"] + figures["curriculum/narrowed"] == moves <= len(results) / buffer


def test_a_parameter_without_columns_is_never_evaluated():
    adr = adr_of(MASS, FRICTION, widths=[1, 0], boundary_share=1.0)
    play(adr, np.random.default_rng(11), 20, lambda values: 1.0)
    assert adr.bounds().tolist() == [[0.5, 2.0], [1.0, 1.0]]
