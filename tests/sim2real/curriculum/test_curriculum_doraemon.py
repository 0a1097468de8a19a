"""Laws of DORAEMON (Tiboni et al., ICLR 2024): Beta distributions, importance weights, the step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize as scipy_minimize
from scipy.stats import beta as scipy_beta

from sim2real.configs.schema.curriculum import DoraemonConfig
from sim2real.configs.schema.parameter import ParameterConfig
from sim2real.curriculum.axis import Axis
from sim2real.curriculum.beta_family import BetaFamily
from sim2real.curriculum.doraemon import Doraemon
from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.curriculum.trust_region import TrustRegion
from sim2real.curriculum.weighted_episodes import WeightedEpisodes

LINE = Axis("uniform", 0.5, (0.0, 1.0), (0.0, 1.0), 0.05)
CHOICE = Axis("categorical", 1.0, (0.0, 3.0), (0.0, 3.0), 1.0, (0.0, 5.0, 1.0, 2.0))
LOGARITHMIC = Axis("log_uniform", 1.0, (0.25, 4.0), (0.25, 4.0), 0.1)

MASS = {"parameter": "body_mass", "range": (0.0, 2.0)}
FRICTION = {"parameter": "ground_friction", "range": (0.0, 1.0)}
PAYLOAD = {"parameter": "payload", "distribution": "categorical", "values": ("0 kg", "1 kg", "2 kg")}


def doraemon_of(*entries, widths=None, **config):
    space = ParameterSpace.of([ParameterConfig(**entry) for entry in entries], widths or [1] * len(entries))
    return Doraemon(DoraemonConfig(strategy="doraemon", **{"episodes": 256, **config}), space)


def play(doraemon, rng, rounds, score, episodes=256):
    for _ in range(rounds):
        values, tags = doraemon.draw(rng.random((episodes, doraemon.uniforms)))
        doraemon.report(tags, values, score(values).astype(np.float64))


def episodes_of(axes, widths, shape, rng, episodes, score):
    family = BetaFamily(axes)
    values = [family.sample(i, shape[i], rng.random((episodes, width))) for i, width in enumerate(widths)]
    statistics = np.stack([family.statistics(i, column).sum(axis=1) for i, column in enumerate(values)], axis=1)
    drawn_from = np.repeat(shape[None], episodes, axis=0)
    return WeightedEpisodes(
        family, np.array(widths, dtype=np.float64), statistics, drawn_from, score(values).astype(float)
    )


SHAPES = st.tuples(st.floats(1.0, 60.0), st.floats(1.0, 60.0))


@settings(max_examples=25, deadline=None)
@given(one=SHAPES, other=SHAPES)
def test_entropy_and_divergence_equal_their_integrals(one, other):
    family = BetaFamily([LINE])
    assert family.entropy(np.array([one]))[0] == pytest.approx(scipy_beta(*one).entropy(), abs=1e-8)
    density, reference = scipy_beta(*one), scipy_beta(*other)
    integral, _ = quad(lambda x: density.pdf(x) * (density.logpdf(x) - reference.logpdf(x)), 0.0, 1.0, limit=200)
    assert family.divergence(np.array([one]), np.array([other]))[0] == pytest.approx(integral, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(one=SHAPES, other=SHAPES)
def test_entropy_and_divergence_of_choices_equal_their_sums(one, other):
    family, shapes = BetaFamily([CHOICE]), (np.array(one), np.array(other))
    uniform = (np.arange(200_000) + 0.5) / 200_000
    frequency = [[np.mean(family.sample(0, shape, uniform) == choice) for choice in CHOICE.choices] for shape in shapes]
    p, q = np.maximum(frequency, 1e-300)
    entropy = -(p * np.log(4.0 * p)).sum()
    assert family.entropy(shapes[0][None])[0] == pytest.approx(entropy, abs=2e-3)
    if q.min() > 1e-3:
        assert family.divergence(shapes[0][None], shapes[1][None])[0] == pytest.approx(
            (p * np.log(p / q)).sum(), abs=1e-2
        )


def test_gradients_are_those_of_finite_differences():
    axes, widths = [LINE, CHOICE, LOGARITHMIC], [2, 1, 3]
    rng = np.random.default_rng(0)
    present = np.array([[4.0, 5.0], [2.0, 1.5], [1.5, 3.0]])
    weighted = episodes_of(axes, widths, present, rng, 300, lambda values: values[0].max(axis=1) < 0.7)
    region = TrustRegion(weighted, present, 0.1, 0.5)
    shape = present * 1.02
    for function in (region.entropy, region.divergence, weighted.success_rate):
        _, slope = function(shape)
        for index in np.ndindex(shape.shape):
            step = np.zeros_like(shape)
            step[index] = 1e-5
            numeric = (function(shape + step)[0] - function(shape - step)[0]) / 2e-5
            assert slope[index] == pytest.approx(numeric, abs=1e-6)


def test_importance_weights_are_unbiased():
    # Weighted episodes of one distribution give the success rate of another; all three columns of the second
    # parameter count.
    axes, widths = [LINE, LOGARITHMIC, CHOICE], [1, 3, 1]
    drawn, wanted = (np.array(shape) for shape in ([[5.0, 5], [6, 6], [1.5, 2]], [[4.5, 4], [6.5, 6], [1.3, 2.2]]))

    def score(values):
        return (values[0][:, 0] < 0.55) & (values[1].mean(axis=1) < 1.2) & (values[2][:, 0] != 2.0)

    rng = np.random.default_rng(1)
    estimate, _ = episodes_of(axes, widths, drawn, rng, 60_000, score).success_rate(wanted)
    truth, _ = episodes_of(axes, widths, wanted, rng, 60_000, score).success_rate(wanted)
    assert 0.2 < truth < 0.4
    assert estimate == pytest.approx(truth, abs=0.012)  # four standard errors
    unweighted, _ = episodes_of(axes, widths, drawn, rng, 60_000, score).success_rate(drawn)
    assert abs(unweighted - truth) > 0.03, "without weights the check above would fail"


def test_weights_are_1_where_the_episodes_were_drawn():
    shape = np.array([[3.0, 7.0]])
    weighted = episodes_of([LINE], [2], shape, np.random.default_rng(2), 50, lambda values: np.ones(50))
    assert weighted.log_weights(shape) == pytest.approx(np.zeros(50), abs=1e-12)


@pytest.mark.parametrize("start", [0.0, 0.25, 0.5, 1.0])
def test_it_starts_narrow_with_the_mode_at_the_calibrated_value(start):
    family = BetaFamily([Axis("uniform", start, (0.0, 1.0), (0.0, 1.0), 0.05)])
    (shape,) = family.start()
    assert (shape[0] - 1.0) / (shape.sum() - 2.0) == pytest.approx(start)
    assert shape.min() >= 1.0
    low, high = family.quantiles(shape[None], 0.05)[0]
    assert high - low < 0.13
    assert low - 0.06 < start < high + 0.06


def test_the_step_stays_in_the_trust_region_and_takes_all_of_it_while_everything_succeeds():
    doraemon = doraemon_of(MASS, FRICTION, PAYLOAD, widths=[3, 1, 1], divergence_max=0.05)
    rng = np.random.default_rng(3)
    entropies = []
    for _ in range(25):
        play(doraemon, rng, 1, lambda values: np.ones(len(values)))
        figures = doraemon.figures()
        assert 0.045 < figures["curriculum/divergence"] <= 0.05
        entropies.append(figures["curriculum/entropy"])
    assert (np.diff(entropies) > 0.0).all()
    assert doraemon.figures()["curriculum/widened"] == 25


def test_without_failures_it_converges_to_the_uniform_distribution():
    doraemon = doraemon_of(MASS, PAYLOAD, divergence_max=0.5)
    play(doraemon, np.random.default_rng(4), 30, lambda values: np.ones(len(values)))
    assert doraemon.figures()["curriculum/entropy"] == pytest.approx(0.0, abs=1e-3)
    assert doraemon.bounds()[0] == pytest.approx([0.1, 1.9], abs=0.03)


def test_nothing_moves_before_the_success_rate_is_reached_once():
    doraemon = doraemon_of(MASS, FRICTION, success_rate=0.6)
    before = doraemon.state_dict()["shape"]
    rng = np.random.default_rng(5)
    play(doraemon, rng, 5, lambda values: values[:, 0] > 1.0)  # half of them
    assert doraemon.state_dict()["shape"].tobytes() == before.tobytes()
    play(doraemon, rng, 1, lambda values: np.ones(len(values)))
    assert doraemon.state_dict()["shape"].tobytes() != before.tobytes()


@pytest.mark.parametrize("overshoot", [1.5, 20.0])
def test_a_result_outside_the_trust_region_is_moved_back_into_it(monkeypatch, overshoot):
    rng, present = np.random.default_rng(10), np.array([[20.0, 30.0], [8.0, 4.0]])
    weighted = episodes_of([LINE, LINE], [2, 1], present, rng, 200, lambda values: values[0].max(axis=1) < 0.8)
    region = TrustRegion(weighted, present, 0.1, 0.5)
    honest = region.solve()

    def minimize(*args, **kwargs):
        found = scipy_minimize(*args, **kwargs)
        found.x = overshoot * found.x
        return found

    monkeypatch.setattr("sim2real.curriculum.trust_region.minimize", minimize)
    shape = region.solve()
    assert region.divergence(shape)[0] <= 0.1
    assert weighted.success_rate(shape)[0] >= 0.5 - 1e-6
    assert region.entropy(present)[0] <= region.entropy(shape)[0] <= region.entropy(honest)[0] + 1e-3


def test_a_single_choice_or_equal_limits_cannot_move():
    single = {"parameter": "payload", "distribution": "categorical", "values": ("1 kg",)}
    doraemon = doraemon_of(single, {"parameter": "gravity", "range": (1.0, 1.0)})
    play(doraemon, np.random.default_rng(6), 3, lambda values: np.ones(len(values)))
    assert doraemon.bounds().tolist() == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize("seed", [0, 1])
def test_it_fills_the_box_in_which_the_learner_succeeds_and_keeps_the_success_rate(seed):
    # Success for mass in [0.6, 1.4] of [0, 2] and friction above 0.3 of [0, 1], calibrated at the limit 1.
    def score(values):
        return (values[:, 0] > 0.6) & (values[:, 0] < 1.4) & (values[:, 1] > 0.3)

    doraemon = doraemon_of(MASS, FRICTION, success_rate=0.6)
    rng = np.random.default_rng(seed)
    at_start = doraemon.figures()["curriculum/entropy"]
    play(doraemon, rng, 60, score)
    assert doraemon.figures()["curriculum/entropy"] > at_start + 1.5
    rates, bounds = [], []
    for _ in range(20):
        play(doraemon, rng, 1, score)
        values, _ = doraemon.draw(rng.random((4000, 2)))
        rates.append(score(values).mean())
        bounds.append(doraemon.bounds())
    assert np.mean(rates) == pytest.approx(0.6, abs=0.06)
    (mass_low, mass_high), (friction_low, friction_high) = np.mean(bounds, axis=0)
    assert 0.2 < mass_low < 0.7 < 1.3 < mass_high < 1.8
    assert friction_low < 0.5
    assert friction_high > 0.9


def test_when_performance_falls_success_is_restored_first():
    doraemon = doraemon_of(FRICTION, success_rate=0.7, divergence_max=0.2)
    rng = np.random.default_rng(7)
    play(doraemon, rng, 40, lambda values: np.ones(len(values)))
    wide = doraemon.figures()

    def score(values):
        return values[:, 0] > 0.8

    play(doraemon, rng, 30, score)
    narrow = doraemon.figures()
    assert narrow["curriculum/entropy"] < wide["curriculum/entropy"] - 0.3
    assert narrow["curriculum/narrowed"] > 0
    assert narrow["curriculum/success_rate"] == pytest.approx(0.7, abs=0.12)


def test_episodes_of_earlier_distributions_count_with_their_own_density():
    # All episodes of a round were drawn two distributions ago; the estimate is still correct.
    doraemon = doraemon_of(MASS, divergence_max=0.03, episodes=2000)
    rng = np.random.default_rng(8)

    def score(values):
        return values[:, 0] < 1.05

    under_way = [doraemon.draw(rng.random((2000, 1))) for _ in range(2)]
    for _ in range(4):
        under_way.append(doraemon.draw(rng.random((2000, 1))))
        values, tags = under_way.pop(0)
        present, _ = doraemon.draw(rng.random((20_000, 1)))
        doraemon.report(tags, values, score(values).astype(float))
        assert doraemon.figures()["curriculum/success_rate"] == pytest.approx(score(present).mean(), abs=0.05)
    assert doraemon.figures()["curriculum/stale"] == 0
    assert doraemon.figures()["curriculum/updates"] == 4


def test_episodes_of_distributions_far_away_are_dropped_and_counted():
    doraemon = doraemon_of(MASS, episodes=8)
    rng = np.random.default_rng(9)
    old = doraemon.draw(rng.random((5, 1)))
    play(doraemon, rng, 70, lambda values: np.ones(len(values)), episodes=8)
    assert doraemon.figures()["curriculum/updates"] == 70
    doraemon.report(old[1], old[0], np.ones(5))
    assert doraemon.figures()["curriculum/stale"] == 5
    assert len(doraemon.state_dict()["success"]) == 0
