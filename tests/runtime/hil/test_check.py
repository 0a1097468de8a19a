"""Laws of checks over signals in time, on recordings made by hand."""

import numpy as np
import pytest

from sim2real.configs.load import load_task
from sim2real.configs.schema.expectation import CheckConfig
from sim2real.configs.schema.run_signal import STATES, signals_of
from sim2real.runtime.hil.check import check
from sim2real.runtime.hil.recording import Recording
from sim2real.runtime.hil.steps import Steps

_SIGNALS = signals_of(load_task("pendulum_swingup"))
_PERIOD = 0.1


def recording(position, states=None, *, policy_at=0.0, fault_at=None, end=None) -> Recording:
    time = np.arange(len(position)) * _PERIOD
    words = states or ["RUNNING"] * len(position)
    signals = {
        "position": Steps(time, np.array(position, float)[:, None], ("pivot",)),
        "state": Steps(time, np.array([[STATES.index(word)] for word in words], float), ("",)),
    }
    last = len(position) * _PERIOD if end is None else end
    return Recording(signals, policy_at, 0.0, fault_at, last, _PERIOD, "")


def failure(run: Recording, **keys) -> str:
    quantities = {"holds", "start", "within", "end"}
    texts = {key: f"{value} s" if key in quantities else value for key, value in keys.items()}
    return check(CheckConfig.model_validate(texts), _SIGNALS, run).failure


@pytest.mark.parametrize(
    ("keys", "met"),
    [
        ({"always": "position < 5 rad"}, True),
        ({"always": "position < 3 rad"}, False),
        ({"always": "position < 3 rad", "end": 0.2}, True),
        ({"always": "position >= 3 rad", "start": 0.3}, True),
        ({"always": "position in 1 rad .. 2 rad", "start": 0.1, "within": 0.15}, True),
        ({"always": "position in 1 rad .. 2 rad", "start": 0.1, "within": 0.25}, False),
        ({"never": "position > 3.5 rad"}, False),
        ({"never": "position > 3.5 rad", "end": 0.3}, True),
        ({"eventually": "position > 3.5 rad"}, True),
        ({"eventually": "position > 3.5 rad", "within": 0.3}, False),
        ({"eventually": "position > 1.5 rad", "holds": 0.3}, True),
        ({"eventually": "position in 1 rad .. 2 rad", "holds": 0.3}, False),
        ({"always": "position < 3 rad", "until": "position >= 3 rad"}, True),
        ({"always": "position < 2 rad", "until": "position >= 3 rad"}, False),
        ({"always": "position < 9 rad", "until": "position > 8 rad"}, False),
        ({"never": "position > 4.5 rad", "since": "fault"}, False),
    ],
)
def test_a_check_is_met_or_not(keys, met):
    assert (failure(recording([0, 1, 2, 3, 4]), **keys) == "") is met


def test_nan_meets_no_condition_and_a_signal_never_measured_is_told():
    assert "position is nan" in failure(recording([0, np.nan, 0]), always="position < 1 rad")
    assert "position is nan" in failure(recording([0, np.nan, 0]), always="position >= 0 rad")
    for quantifier in ("always", "never", "eventually"):
        assert "was never measured" in failure(recording([np.nan] * 3), **{quantifier: "position < 1 rad"})


@pytest.mark.parametrize("quantifier", ["always", "never", "eventually"])
def test_a_joint_that_was_never_measured_is_told_though_others_were(quantifier):
    # `never` was met by it: NaN meets no condition.
    signals = signals_of(load_task("hopper_hop"))
    values = np.array([[0.0, np.nan], [0.0, np.nan]])
    run = Recording({"position": Steps(np.array([0.0, 0.1]), values, ("hip", "knee"))}, 0.0, 0.0, None, 0.2, 0.1, "")
    told = check(CheckConfig.model_validate({quantifier: "position > 1 rad"}), signals, run).failure
    assert "knee.position was never measured" in told


def test_a_run_that_ends_early_does_not_meet_what_it_did_not_reach():
    run = recording([0, 0, 0])
    assert "before that" in failure(run, always="position < 1 rad", start=5)
    assert "before the end of that time" in failure(run, always="position < 1 rad", end=5)
    assert "it never was" in failure(run, eventually="position > 1 rad", within=5)
    assert failure(run, always="position < 1 rad") == ""


def test_a_zero_that_never_came_is_told():
    run = recording([0, 0], policy_at=None)
    assert "the policy never ran" in failure(run, always="position < 1 rad")
    assert "no fault happened" in failure(run, eventually="state is FAULT", since="fault", within=1)


def test_times_count_from_the_zero_that_is_named():
    run = recording([0, 0, 0, 9, 9], policy_at=0.1, fault_at=0.2)
    assert failure(run, always="position < 1 rad", within=0.15) == ""
    assert failure(run, eventually="position > 1 rad", within=0.1, since="fault") == ""
    assert "at 0.200 s of the policy" in failure(run, always="position < 1 rad")
    assert "at 0.100 s after the fault" in failure(run, always="position < 1 rad", since="fault")


def test_a_failure_says_which_joint_by_how_much_in_the_unit_as_written_and_why():
    told = failure(recording([0, np.pi]), always="position < 90 deg", why="it hits the table")
    assert told == ("always position < 90 deg: pivot.position is 180 deg at 0.100 s of the policy (it hits the table)")
    states = recording([0, 0], ["RUNNING", "FAULT"])
    assert failure(states, always="state is RUNNING").endswith("state is FAULT at 0.100 s of the policy")


def test_a_value_holds_from_its_tick_to_the_next():
    run = recording([0, 9, 0])
    assert failure(run, eventually="position > 8 rad", start=0.15, within=0.01) == ""
    assert failure(run, never="position > 8 rad", start=0.15, within=0.01)
    assert failure(run, never="position > 8 rad", start=0.2) == ""
