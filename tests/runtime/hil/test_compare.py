"""Laws of `hil compare`: the same seeds for both, intervals as in their sources, exit status by threshold."""

import json

import numpy as np
import pytest
from flash_models import write_policy
from scipy import stats
from typer.testing import CliRunner

from sim2real.runtime.commands import hil as hil_command
from sim2real.runtime.hil.comparison import cause_of
from sim2real.runtime.hil.paired_statistics import PairedSuccess, mean_difference, t_quantile, wilson

_SCENARIO = """\
name: NAME
task: pendulum_swingup
duration: 300 ms
start: {scatter: 0.5 rad}
expect:
  checks:
    - {always: pivot.velocity in -30 deg/s .. 30 deg/s, why: it must stay}
"""


def test_wilsons_interval_is_that_of_its_worked_example():
    """81 of 263: Newcombe, Statistics in Medicine 17 (1998) 857, table I."""
    found = wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert (wilson(0, 9).low, wilson(9, 9).high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="0 successes of 0 runs"):
        wilson(0, 0)


def test_the_paired_interval_is_that_of_its_worked_example():
    """36, 12, 2, 0: Newcombe, Statistics in Medicine 17 (1998) 2635, method 10."""
    found = PairedSuccess(both=36, only_new=12, only_old=2, neither=0).change
    assert round(found.value, 4) == 0.2
    assert (round(found.low, 4), round(found.high, 4)) == (0.0569, 0.3404)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (3, 3), (2, 12), (0, 20)])
def test_mcnemars_p_is_the_exact_binomial(old, new):
    found = PairedSuccess(both=5, only_old=old, only_new=new, neither=1).p
    expected = stats.binomtest(old, old + new).pvalue if old + new else 1.0
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 9, 30, 199])
def test_students_quantiles_are_exact(degrees):
    for probability in (0.6, 0.9, 0.975, 0.999):
        assert t_quantile(probability, degrees) == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-9)


def test_a_mean_difference_has_students_interval():
    values = np.array([0.3, -0.1, 0.7, 0.2])
    found = mean_difference(values)
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), low, high))
    assert mean_difference(values[:1]) is None


def test_the_cause_of_a_failure_is_its_words_without_its_numbers():
    assert cause_of("pivot.velocity is -1.25e-3 deg/s at 0.1 s") == cause_of("pivot.velocity is 7 deg/s at 12.5 s")


@pytest.fixture
def folder(tmp_path):
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    (scenarios / "a.yaml").write_text(_SCENARIO.replace("NAME", "moves"))
    (scenarios / "b.yaml").write_text(_SCENARIO.replace("NAME", "same").replace("scatter: 0.5 rad", "scatter: 0 rad"))
    return scenarios


def invoke(*arguments):
    return CliRunner().invoke(hil_command.app, ["compare", *map(str, arguments), "--plant", "inertia", "--jobs", "1"])


def test_a_policy_that_moves_where_it_must_stay_is_worse_and_fails_by_the_threshold(folder, tmp_path):
    idle = write_policy(tmp_path / "idle.onnx", weight=0.0)
    told = invoke(idle, "pendulum_swingup", folder, "--seeds", 3, "--json")
    assert told.exit_code == 1, told.output
    found = json.loads(told.stdout)
    assert found["reasons"] == ["success fell by 100.0%, more than 0.0%"]
    assert (found["runs"], found["repeated"]) == (4, 2)  # the seed changes nothing of the second scenario
    assert found["worse"] == ["moves@0", "moves@1", "moves@2", "same@0"]
    assert found["better"] == []
    (cause,) = found["causes"]
    assert (cause["policy"], cause["count"], cause["runs"]) == (
        "pendulum_swingup",
        4,
        ["moves@0", "moves@1", "moves@2"],
    )
    assert "it must stay" in cause["cause"]
    back = invoke("pendulum_swingup", idle, folder, "--seeds", 3)
    assert back.exit_code == 0, back.output
    assert "4 runs of 2 scenarios, each by both policies; 2 more were the same run again" in back.stdout
    assert "McNemar p = 0.125 (4 better, 0 worse)" in back.stdout
    allowed = invoke(idle, "pendulum_swingup", folder, "--seeds", 3, "--allow", 1)
    assert allowed.exit_code == 0, allowed.output


def test_policies_of_two_tasks_and_scenarios_of_another_are_refused(folder):
    assert "valid: two policies of one task" in invoke("pendulum_swingup", "quadruped_walk", folder).stderr
    told = invoke("quadruped_walk", "quadruped_walk", folder)
    assert "scenario 'moves' is of task 'pendulum_swingup', not of 'quadruped_walk'" in told.stderr
