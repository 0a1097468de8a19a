"""Laws of IMU readings of any type: in the frame of the body, and checked before use."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import ImuConfig, RobotConfig
from sim2real.hardware.imu.mounting import Mounting, multiply, rotate
from sim2real.hardware.imu.sample import ImuSample
from sim2real.hardware.imu.watch import ImuWatch
from sim2real.hardware.types import ImuFault, ImuState

MS = 1_000_000
RATE_MAX = math.radians(2000.0)
angles = st.floats(-math.pi, math.pi)
vectors = st.tuples(*(st.floats(-10.0, 10.0) for _ in range(3)))


def config(**updates: object) -> ImuConfig:
    return ImuConfig(
        **{"protocol": "witmotion", "baudrate": "115200 baud", "rate": "200 Hz", "body": "trunk", **updates}
    )


def sample(number: int = 0, **updates: object) -> ImuSample:
    """Return a plausible sample; each number gives other raw bytes."""
    values = {
        "angular_velocity": (0.1, 0.2, 0.3),
        "linear_acceleration": (0.0, 0.0, 9.81),
        "orientation": (1.0, 0.0, 0.0, 0.0),
        "raw": number.to_bytes(4, "little"),
    }
    return ImuSample(**{**values, **updates})


class Watched:
    """One unit with its checks, read every 5 ms."""

    def __init__(self, **updates: object) -> None:
        self.watch = ImuWatch(config(**updates), RATE_MAX)
        self.state = ImuState.empty(1)
        self.now_ns = 0

    def read(self, taken: ImuSample | None, wait_ns: int = 5 * MS) -> ImuFault:
        self.now_ns += wait_ns
        self.watch.update(self.state, 0, taken, self.now_ns)
        return ImuFault(int(self.state.faults[0]))


# --- mounting


@given(angles, angles, angles, vectors)
def test_a_vector_survives_the_round_trip_to_the_unit_s_frame(roll, pitch, yaw, vector):
    mounting = Mounting(roll, pitch, yaw)
    np.testing.assert_allclose(mounting.to_body(mounting.to_unit(vector)), vector, atol=1e-12)
    assert math.dist((0, 0, 0), mounting.to_body(vector)) == pytest.approx(math.dist((0, 0, 0), vector))


@given(angles, angles, angles, vectors)
def test_a_mounting_is_roll_then_pitch_then_yaw_about_the_body_s_axes(roll, pitch, yaw, vector):
    expected = rotate(
        Mounting(yaw=yaw).quaternion,
        rotate(Mounting(pitch=pitch).quaternion, rotate(Mounting(roll=roll).quaternion, vector)),
    )
    np.testing.assert_allclose(Mounting(roll, pitch, yaw).to_body(vector), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("turn", "vector", "expected"),
    [
        ({"roll": math.pi / 2}, (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        ({"pitch": math.pi / 2}, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
        ({"yaw": math.pi / 2}, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    ],
)
def test_quarter_turns_are_right_handed(turn, vector, expected):
    np.testing.assert_allclose(Mounting(**turn).to_body(vector), expected, atol=1e-15)


@given(angles, angles, angles, vectors, angles)
def test_orientation_and_vectors_agree(roll, pitch, yaw, vector, heading):
    """A vector in the frame of the unit is the same in the world frame through either orientation."""
    mounting, unit = Mounting(roll, pitch, yaw), Mounting(heading, 0.3, -heading).quaternion
    body = mounting.body_orientation(unit)
    np.testing.assert_allclose(rotate(unit, vector), rotate(body, mounting.to_body(vector)), atol=1e-12)
    back = mounting.unit_orientation(body)
    np.testing.assert_allclose(back, unit, atol=1e-12)


def test_an_identity_mounting_changes_no_bit():
    mounting, orientation = Mounting(), (0.1, 0.2, 0.3, 0.9273618495495703)
    assert mounting.to_body((0.1, -0.2, 0.3)) == (0.1, -0.2, 0.3)
    assert mounting.body_orientation(orientation) is orientation
    assert multiply((1.0, 0.0, 0.0, 0.0), orientation) == orientation


# --- checks


def test_the_state_before_the_first_reading_is_not_a_reading():
    state = ImuState.empty(2)
    assert np.isnan(state.orientation).all()
    assert (state.stamp_ns == -1).all()
    assert (state.faults == ImuFault.STALE).all()


def test_a_reading_is_rotated_into_the_body_frame_and_stamped():
    unit = Watched(mounting=("0 deg", "0 deg", "90 deg"))
    assert unit.read(sample(1, orientation=Mounting(yaw=math.pi / 2).quaternion)) == ImuFault(0)
    np.testing.assert_allclose(unit.state.angular_velocity[0], [-0.2, 0.1, 0.3], atol=1e-15)
    np.testing.assert_allclose(unit.state.orientation[0], [1.0, 0.0, 0.0, 0.0], atol=1e-15)
    assert unit.state.stamp_ns[0] == unit.now_ns
    assert unit.state.fresh[0]


def test_between_samples_values_are_kept_and_not_fresh():
    unit = Watched()
    unit.read(sample(1))
    assert unit.read(None) == ImuFault(0)
    assert not unit.state.fresh[0]
    assert unit.state.stamp_ns[0] == 5 * MS
    assert unit.state.angular_velocity[0].tolist() == [0.1, 0.2, 0.3]


def test_no_samples_is_stale_after_stale_after_and_not_before():
    unit = Watched()
    unit.read(sample(1))
    assert unit.read(None, 100 * MS) == ImuFault(0)
    assert unit.read(None, 1) == ImuFault.STALE
    assert unit.read(sample(2)) == ImuFault(0)


def test_identical_samples_are_frozen_after_stale_after_and_not_before():
    unit = Watched()
    for _ in range(20):
        assert unit.read(sample(1)) == ImuFault(0)
    assert unit.read(sample(1)) == ImuFault.FROZEN
    assert unit.read(None) == ImuFault.FROZEN
    assert unit.read(sample(2)) == ImuFault(0)


def test_a_late_identical_sample_does_not_reset_the_frozen_time():
    unit = Watched()
    unit.read(sample(1))
    assert unit.read(sample(1), 150 * MS) == ImuFault.FROZEN


@pytest.mark.parametrize(
    "wrong",
    [
        {"orientation": (0.0, 0.0, 0.0, 0.0)},
        {"orientation": (1.0, 0.5, 0.0, 0.0)},
        {"orientation": (math.nan, 0.0, 0.0, 0.0)},
        {"angular_velocity": (0.0, math.nan, 0.0)},
        {"angular_velocity": (0.0, 0.0, RATE_MAX)},
        {"angular_velocity": (-RATE_MAX, 0.0, 0.0)},
        {"linear_acceleration": (math.inf, 0.0, 0.0)},
        {"linear_acceleration": (0.0, -1e4, 0.0)},
    ],
)
def test_an_impossible_sample_is_a_fault_and_not_used(wrong):
    unit = Watched()
    unit.read(sample(1))
    before = unit.state.stamp_ns[0]
    assert unit.read(sample(2, **wrong)) == ImuFault.IMPLAUSIBLE
    assert unit.read(None) == ImuFault.IMPLAUSIBLE
    assert unit.state.stamp_ns[0] == before
    assert np.isfinite(unit.state.orientation).all()
    assert unit.read(sample(3, **wrong), 100 * MS) == ImuFault.IMPLAUSIBLE | ImuFault.STALE
    assert unit.read(sample(4)) == ImuFault(0)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=10, max_size=10))
def test_the_state_only_ever_holds_plausible_readings(values):
    unit = Watched(mounting=("10 deg", "20 deg", "30 deg"))
    unit.read(sample(1))
    unit.read(
        sample(
            2, angular_velocity=tuple(values[:3]), linear_acceleration=tuple(values[3:6]), orientation=tuple(values[6:])
        )
    )
    assert np.linalg.norm(unit.state.angular_velocity[0]) <= RATE_MAX * math.sqrt(3.0)
    assert np.linalg.norm(unit.state.orientation[0]) == pytest.approx(1.0)


def test_a_rounded_quaternion_is_normalized():
    unit = Watched()
    assert unit.read(sample(1, orientation=(0.70709, 0.0, -0.70709, 0.0))) == ImuFault(0)
    assert np.linalg.norm(unit.state.orientation[0]) == pytest.approx(1.0, abs=1e-15)


def test_a_lost_port_is_stale_at_once():
    unit = Watched()
    unit.read(sample(1))
    unit.watch.mark_lost(unit.state, 0)
    assert unit.state.faults[0] == ImuFault.STALE
    assert not unit.state.fresh[0]


# --- configuration


def test_stale_after_must_hold_two_samples():
    with pytest.raises(ValueError, match=r"at least two samples long; valid: from 0\.2 s"):
        config(rate="10 Hz")
    assert config(rate="10 Hz", stale_after="200 ms").stale_after == 0.2


def test_a_bus_and_an_imu_do_not_share_a_name():
    robot = load_robot("pendulum").model_dump(mode="json")
    robot["imus"] = {"main": config().model_dump(mode="json")}
    with pytest.raises(ValueError, match="a bus has the same name"):
        RobotConfig.model_validate(robot)
