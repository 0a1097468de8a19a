"""Laws of every curriculum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim2real.configs.errors import UserError
from sim2real.configs.schema.curriculum import AdrConfig, DoraemonConfig, FixedCurriculumConfig, NoCurriculumConfig
from sim2real.configs.schema.parameter import ParameterConfig
from sim2real.curriculum.axis import Axis
from sim2real.curriculum.interface import NO_TAG
from sim2real.curriculum.make import make_curriculum
from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.curriculum.sample import sample

PARAMETERS = (
    ({"parameter": "body_mass", "range": (0.5, 2.0), "limits": (0.4, 3.0)}, 2),
    ({"parameter": "joint_damping", "distribution": "log_uniform", "range": (0.3, 3.0)}, 3),
    ({"parameter": "motor_constant", "distribution": "normal", "range": (0.9, 1.1), "limits": (0.8, 1.3)}, 1),
    ({"parameter": "action_latency", "range": ("0 s", "0.05 s")}, 1),
    ({"parameter": "payload", "distribution": "categorical", "values": ("0.2 kg", "0 kg", "1 kg", "0.5 kg")}, 1),
    ({"parameter": "gravity", "range": (1.0, 1.0)}, 1),
    ({"parameter": "ground_friction", "range": (0.4, 1.0), "step": 0.0}, 2),
    ({"parameter": "backlash", "range": ("0 rad", "0.02 rad")}, 0),
)
"""Every distribution; limits wider than the range; start at a limit, equal limits, zero step, no columns."""

STRATEGIES = {
    "none": NoCurriculumConfig(strategy="none"),
    "fixed": FixedCurriculumConfig(strategy="fixed", level=1.5),
    "adr": AdrConfig(strategy="adr", buffer=4),
    "doraemon": DoraemonConfig(strategy="doraemon", episodes=32),
}


def space_of(parameters=PARAMETERS):
    return ParameterSpace.of([ParameterConfig(**entry) for entry, _ in parameters], [width for _, width in parameters])


def play(curriculum, rng, rounds, episodes=16, score=lambda values: 1.0):
    for _ in range(rounds):
        values, tags = curriculum.draw(rng.random((episodes, curriculum.uniforms)))
        curriculum.report(tags, values, np.array([float(score(row)) for row in values]))


@pytest.fixture(params=STRATEGIES)
def config(request):
    return STRATEGIES[request.param]


@pytest.fixture(params=[0, 40], ids=["at its start", "widened"])
def curriculum(config, request):
    curriculum = make_curriculum(config, space_of())
    play(curriculum, np.random.default_rng(1), request.param)
    return curriculum


def test_every_row_depends_only_on_its_own_numbers(curriculum):
    uniform = np.random.default_rng(2).random((37, curriculum.uniforms))
    values, tags = curriculum.draw(uniform)
    for row in range(37):
        alone, tag = curriculum.draw(uniform[row : row + 1])
        assert alone[0].tobytes() == values[row].tobytes()
        assert tag[0] == tags[row]
    order = np.random.default_rng(3).permutation(37)
    shuffled, _ = curriculum.draw(uniform[order])
    assert shuffled.tobytes() == values[order].tobytes()


def test_drawing_is_deterministic_and_changes_no_state(curriculum):
    uniform = np.random.default_rng(4).random((8, curriculum.uniforms))
    first = curriculum.draw(uniform.copy())
    curriculum.draw(np.random.default_rng(5).random((8, curriculum.uniforms)))
    second = curriculum.draw(uniform)
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("extreme", [0.0, np.nextafter(1.0, 0.0)])
def test_values_and_boundaries_stay_within_the_limits(curriculum, extreme):
    space = space_of()
    uniform = np.random.default_rng(6).random((500, curriculum.uniforms))
    uniform[0] = extreme
    values, tags = curriculum.draw(uniform)
    low, high = space.limits[space.dimension_of_column].T
    assert values.shape == (500, 11)
    assert np.isfinite(values).all()
    assert ((values >= low) & (values <= high)).all()
    assert set(values[:, space.columns(4)].ravel()) <= {0.0, 0.2, 0.5, 1.0}
    assert tags.dtype == np.int64
    assert tags.shape == (500,)
    bounds = curriculum.bounds()
    assert bounds.shape == (8, 2)
    assert (bounds[:, 0] <= bounds[:, 1]).all()
    assert ((bounds >= space.limits[:, :1]) & (bounds <= space.limits[:, 1:])).all()


def test_a_parameter_with_equal_limits_does_not_move(curriculum):
    values, _ = curriculum.draw(np.random.default_rng(7).random((50, curriculum.uniforms)))
    assert (values[:, space_of().columns(5)] == 1.0).all()
    assert curriculum.bounds()[5].tolist() == [1.0, 1.0]


def test_a_restored_curriculum_continues_bit_for_bit(config):
    rng = np.random.default_rng(8)
    first, second = (make_curriculum(config, space_of()) for _ in range(2))
    play(first, rng, 9, episodes=7)
    under_way = first.draw(rng.random((5, first.uniforms)))
    second.load_state_dict(first.state_dict())
    assert second.figures() == first.figures()
    for curriculum, stream in ((first, np.random.default_rng(9)), (second, np.random.default_rng(9))):
        curriculum.report(under_way[1], under_way[0], np.ones(5))
        play(curriculum, stream, 30, episodes=7, score=lambda values: values[0] < 1.3)
    assert_same_state(first.state_dict(), second.state_dict())


def test_later_reports_do_not_change_a_saved_state(config):
    curriculum = make_curriculum(config, space_of())
    play(curriculum, np.random.default_rng(10), 9, episodes=7)
    state = curriculum.state_dict()
    restored = make_curriculum(config, space_of())
    restored.load_state_dict(state)
    play(curriculum, np.random.default_rng(11), 30)
    assert_same_state(restored.state_dict(), state)


def test_reporting_in_pieces_is_the_same_as_at_once(config):
    rng = np.random.default_rng(12)
    whole, pieces = (make_curriculum(config, space_of()) for _ in range(2))
    for _ in range(3):
        values, tags = whole.draw(rng.random((100, whole.uniforms)))
        performance = rng.choice([0.0, 1.0, 1.0, 1.0, 1.0, 1.0], 100)
        whole.report(tags, values, performance)
        for part in np.split(np.arange(100), [0, 1, 18, 40, 77]):
            pieces.report(tags[part], values[part], performance[part])
    assert_same_state(whole.state_dict(), pieces.state_dict())


def test_an_empty_report_changes_nothing(curriculum):
    before = curriculum.state_dict()
    values, tags = curriculum.draw(np.empty((0, curriculum.uniforms)))
    assert values.shape == (0, 11)
    assert tags.shape == (0,)
    curriculum.report(tags, values, np.empty(0))
    assert_same_state(before, curriculum.state_dict())


def test_a_space_without_parameters_is_allowed(config):
    curriculum = make_curriculum(config, ParameterSpace.of([], []))
    play(curriculum, np.random.default_rng(13), 20)
    values, _ = curriculum.draw(np.random.default_rng(14).random((3, curriculum.uniforms)))
    assert values.shape == (3, 0)
    assert curriculum.bounds().shape == (0, 2)
    assert np.isfinite(list(curriculum.figures().values())).all()


def test_figures_are_finite_and_name_every_boundary(curriculum):
    play(curriculum, np.random.default_rng(15), 1)
    figures = curriculum.figures()
    assert np.isfinite(list(figures.values())).all()
    for name, (low, high) in zip(space_of().names, curriculum.bounds(), strict=True):
        assert figures[f"curriculum/{name}/low"] == low
        assert figures[f"curriculum/{name}/high"] == high
    assert figures["curriculum/performance"] == 1.0
    assert -5.0 <= figures["curriculum/entropy"] <= 0.0


def test_the_performance_shown_is_that_of_the_latest_256_episodes(config):
    curriculum = make_curriculum(config, space_of())
    for performance, expected in ((0.25, 0.25), (0.75, 0.5), (0.75, 0.75)):
        values, tags = curriculum.draw(np.full((128, curriculum.uniforms), 0.5))
        curriculum.report(tags, values, np.full(128, performance))
        assert curriculum.figures()["curriculum/performance"] == expected


@pytest.mark.parametrize("performance", [-0.1, 1.1, np.nan])
def test_a_performance_outside_0_to_1_is_refused(config, performance):
    curriculum = make_curriculum(config, space_of())
    values, tags = curriculum.draw(np.full((1, curriculum.uniforms), 0.5))
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        curriculum.report(tags, values, np.array([performance]))


def test_a_state_of_other_parameters_is_refused_in_one_line(config):
    state = make_curriculum(config, space_of()).state_dict()
    with pytest.raises(UserError, match=r"body_mass, .*this experiment randomises body_mass; valid"):
        make_curriculum(config, space_of(PARAMETERS[:1])).load_state_dict(state)


def test_no_curriculum_draws_the_calibrated_values():
    space = space_of()
    values, tags = make_curriculum(STRATEGIES["none"], space).draw(np.empty((3, 0)))
    assert values[1].tolist() == space.calibrated[space.dimension_of_column].tolist()
    assert (tags == NO_TAG).all()


@pytest.mark.parametrize(
    ("level", "expected"),
    [(0.0, (1.0, 1.0)), (0.5, (0.75, 1.5)), (1.0, (0.5, 2.0)), (1.1, (0.45, 2.1)), (4.0, (0.4, 3.0))],
)
def test_a_fixed_level_is_a_share_of_the_way_to_the_range_and_ends_at_the_limits(level, expected):
    curriculum = make_curriculum(FixedCurriculumConfig(strategy="fixed", level=level), space_of())
    assert curriculum.bounds()[0] == pytest.approx(expected)


def test_choices_open_one_after_the_other_in_their_order():
    entry = {"parameter": "payload", "distribution": "categorical", "values": ("0 kg", "1 kg", "0.2 kg", "3 kg")}
    drawn = []
    for level in (0.0, 0.4, 0.7, 1.0):
        curriculum = make_curriculum(FixedCurriculumConfig(strategy="fixed", level=level), space_of([(entry, 1)]))
        drawn.append(set(curriculum.draw(np.linspace(0.0, 0.999, 50)[:, None])[0].ravel()))
    assert drawn == [{0.0}, {0.0, 1.0}, {0.0, 1.0, 0.2}, {0.0, 1.0, 0.2, 3.0}]


AXES = {
    "uniform": Axis("uniform", 1.0, (0.5, 2.0), (0.5, 2.0), 0.1),
    "log_uniform": Axis("log_uniform", 1.0, (0.5, 2.0), (0.5, 2.0), 0.1),
    "normal": Axis("normal", 1.0, (0.5, 2.0), (-100.0, 100.0), 0.1),
}


@pytest.mark.parametrize(
    ("distribution", "quantiles"),
    # A quarter, a half and three quarters of [0.5, 2]; of its logarithm; and 1.25 ± 0.67449 · 1.5 / 4.
    [
        ("uniform", (0.875, 1.25, 1.625)),
        ("log_uniform", (0.5**0.5, 1.0, 2.0**0.5)),
        ("normal", (0.997066, 1.25, 1.502934)),
    ],
)
def test_samples_are_quantiles_of_the_distribution(distribution, quantiles):
    values = sample(AXES[distribution], 0.5, 2.0, np.array([0.25, 0.5, 0.75]))
    assert values == pytest.approx(quantiles, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    distribution=st.sampled_from(sorted(AXES)),
    ends=st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0)).map(sorted),
    uniform=arrays(np.float64, 5, elements=st.floats(0.0, 1.0, exclude_max=True)),
)
def test_samples_rise_with_their_numbers_and_stay_inside(distribution, ends, uniform):
    values = sample(AXES[distribution], *ends, np.sort(uniform))
    low, high = AXES[distribution].limits if distribution == "normal" and ends[0] < ends[1] else ends
    assert ((values >= low) & (values <= high)).all()
    assert (np.diff(values) >= 0.0).all()


def assert_same_state(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        if isinstance(value, np.ndarray):
            assert value.dtype == second[name].dtype, name
            assert value.tobytes() == second[name].tobytes(), name
        else:
            assert value == second[name], name
