"""Laws of the checks of IMUs: age, faults, plausibility, tilt."""

import math

import pytest

from sim2real.hardware.types import ImuFault, ImuState
from sim2real.runtime.contract.robot import ImuSpec
from sim2real.runtime.envelope.imu_watch import ImuWatch, tilt
from sim2real.runtime.verdict import Reason, Violation

NOW = 5_000_000_000
MS = 1_000_000
HEAD = ImuSpec(name="head", body="head", stale_after=0.1)
TRUNK = ImuSpec(name="trunk", body="trunk", stale_after=0.3)
UPRIGHT = (1.0, 0.0, 0.0, 0.0)


def tilted(angle: float, axis: str = "x") -> tuple[float, ...]:
    """A rotation about an axis, w x y z."""
    half = {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}[axis]
    return (math.cos(angle / 2), *(math.sin(angle / 2) * part for part in half))


def state(*, orientation=UPRIGHT, **changes) -> ImuState:
    made = ImuState.empty(2)
    made.angular_velocity[:], made.orientation[:] = 0.1, orientation
    made.stamp_ns[:], made.faults[:] = NOW, 0
    for name, value in changes.items():
        getattr(made, name)[1] = value
    return made


def check(made: ImuState | None, *, tilt_max: float = math.inf, now_ns: int = NOW):
    return ImuWatch((HEAD, TRUNK), tilt_max).check(made, now_ns)


def test_healthy_readings_are_all_well():
    assert check(state()) == []


@pytest.mark.parametrize("stamp_ns", [NOW - 300 * MS, NOW, 0])
def test_a_reading_as_old_as_allowed_is_recent(stamp_ns):
    now_ns = NOW if stamp_ns else 300 * MS
    made = state(stamp_ns=stamp_ns)
    made.stamp_ns[0] = now_ns
    assert check(made, now_ns=now_ns) == []


@pytest.mark.parametrize(("stamp_ns", "age"), [(NOW - 300 * MS - 1, 0.300000001), (NOW + 1, -1e-9), (-1, 5.000000001)])
def test_a_reading_that_is_older_from_the_future_or_missing_is_stale(stamp_ns, age):
    assert check(state(stamp_ns=stamp_ns)) == [Violation(Reason.IMU_STALE, 1, age, 0.3)]


def test_a_reading_that_never_came_is_stale_at_the_first_instant_too():
    made = state(stamp_ns=-1)
    made.stamp_ns[0] = 0
    assert check(made, now_ns=0) == [Violation(Reason.IMU_STALE, 1, 1e-9, 0.3)]


@pytest.mark.parametrize(
    ("fault", "violation"),
    [
        (ImuFault.STALE, Violation(Reason.IMU_STALE, 1, 0.0, 0.3)),
        (ImuFault.FROZEN, Violation(Reason.IMU_FROZEN, 1, 0.3, 0.3)),
        (ImuFault.IMPLAUSIBLE, Violation(Reason.IMU_IMPLAUSIBLE, 1, 4.0, 0.0)),
    ],
)
def test_each_fault_of_the_hardware_has_its_reason(fault, violation):
    assert check(state(faults=int(fault))) == [violation]


@pytest.mark.parametrize("field", ["angular_velocity", "orientation"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_implausible_and_no_tilt(field, value):
    made = state()
    getattr(made, field)[1, 2] = value
    assert check(made, tilt_max=1.0) == [Violation(Reason.IMU_IMPLAUSIBLE, 1, 0.0, 0.0)]


def test_without_readings_every_unit_is_stale():
    assert check(None) == [
        Violation(Reason.IMU_STALE, 0, math.inf, 0.1),
        Violation(Reason.IMU_STALE, 1, math.inf, 0.3),
    ]
    assert ImuWatch((), 1.0).check(None, NOW) == []


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("angle", [0.0, 0.3, 1.0, 2.0, 3.1, -0.7])
def test_tilt_is_the_angle_from_upright(axis, angle):
    assert tilt(list(tilted(angle, axis))) == pytest.approx(abs(angle))
    assert tilt([2.0 * part for part in tilted(angle, axis)]) == pytest.approx(abs(angle))


def test_turning_about_the_vertical_is_no_tilt():
    assert tilt(list(tilted(2.5, "z"))) == 0.0
    assert tilt([0.0, 0.6, 0.8, 0.0]) == pytest.approx(math.pi)


def test_an_orientation_of_length_zero_is_no_angle_and_never_allowed_where_there_is_a_limit():
    assert math.isnan(tilt([0.0] * 4))
    assert check(state(orientation=(0.0,) * 4)) == []
    assert [violation.reason for violation in check(state(orientation=(0.0,) * 4), tilt_max=1.0)] == [Reason.TILT] * 2


def test_a_body_may_tilt_up_to_its_limit():
    limit = tilt(list(tilted(1.0)))
    assert check(state(orientation=tilted(1.0)), tilt_max=limit) == []
    beyond = math.nextafter(limit, 0.0)
    assert check(state(orientation=tilted(1.0)), tilt_max=beyond) == [
        Violation(Reason.TILT, index, limit, beyond) for index in range(2)
    ]
    assert check(state(orientation=tilted(3.0))) == []
