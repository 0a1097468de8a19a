"""Laws of stuck encoders: standing still is no evidence, nor is a mechanical stop; being driven both ways is."""

import numpy as np
import pytest
from envelope_robots import LEG, MOTOR, SERVO, array, robot_of, state_of

from sim2real.runtime.envelope.stuck_encoder import FROZEN_TRAVEL, NOISE, StuckEncoder

TICK = 1 / 64  # adds up without rounding
TICKS = 20
AFTER = TICKS * TICK


class Watched:
    """One joint and its readings, at position 0.3 until it moves."""

    def __init__(self, joint) -> None:
        self.encoder = StuckEncoder(robot_of(joint), AFTER)
        self.state = state_of(1, position=0.3)
        self.encoder.begin(self.state)

    def tick(
        self, count: int = 1, *, error: float = 0.0, effort: float = 0.0, velocity: float = 0.0, moved=False
    ) -> bool:
        well = True
        for _ in range(count):
            if moved:
                self.state.position += 0.01
            self.state.effort[:], self.state.velocity[:] = effort, velocity
            well = self.encoder.update(self.state, array(error), array(TICK))
        return well

    @property
    def time(self) -> float:
        return float(self.encoder.time[0])


@pytest.mark.parametrize("joint", [SERVO, LEG, MOTOR])
@pytest.mark.parametrize(("error", "effort"), [(0.0, 0.0), (0.15, 1.5), (-0.15, -1.5), (2.0, 2.0)])
def test_a_joint_at_rest_is_no_stuck_encoder(joint, error, effort):
    """Also one that is held up by a stop, and gives the effort of its control law."""
    watched = Watched(joint)
    watched.tick(1, error=error, effort=effort, moved=True)
    assert watched.tick(1000, error=error, effort=effort)
    assert watched.time == 0.0


# What drives a joint just enough, and just too little.
DRIVES = [
    (SERVO, "error", 0.050001, 0.05),
    (SERVO.model_copy(update={"stiffness": 3.0}), "error", 0.100001, 0.099999),
    (SERVO.model_copy(update={"stiffness": 0.0}), "error", 0.050001, 0.05),
    (MOTOR, "effort", 0.500001, 0.5),
    (LEG, "effort", 0.500001, 0.5),
]


@pytest.mark.parametrize(("joint", "what", "enough", "too_little"), DRIVES)
def test_driven_in_both_directions_it_must_move(joint, what, enough, too_little):
    for up, down, well in ((enough, -enough, False), (too_little, -enough, True), (enough, -too_little, True)):
        watched = Watched(joint)
        held = {"effort": 10.0} if what == "error" else {}
        watched.tick(1)
        watched.tick(12, **{what: up}, **held)
        if joint.mode == "impedance" and well:
            continue  # a change of effort is evidence of its own there
        assert watched.tick(7, **{what: down}, **held) is well
        assert (watched.time == pytest.approx(AFTER)) is not well


def test_it_takes_a_quarter_of_the_time_in_each_direction():
    for ticks, well in ((4, True), (5, False)):
        for first in (0.6, -0.6):
            watched = Watched(MOTOR)
            watched.tick(25 - ticks, effort=first)
            assert watched.tick(ticks, effort=-first) is well


def test_it_takes_a_position_that_has_not_changed_for_the_whole_time():
    watched = Watched(MOTOR)
    watched.tick(10, effort=0.6)
    assert watched.tick(9, effort=-0.6)
    assert watched.time == 0.0
    assert not watched.tick(1, effort=-0.6)
    assert watched.time == pytest.approx(AFTER)
    assert not watched.tick(5)
    assert watched.time == pytest.approx(AFTER + 5 * TICK)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_noise_of_a_stuck_encoder_is_no_motion_and_more_than_noise_is(sign):
    assert NOISE == 0.0075
    for far, well in ((0.0074, False), (0.0076, True)):
        watched = Watched(MOTOR)
        for tick in range(30):
            watched.state.position[:] = 0.3 + sign * far * (tick % 2)
            last = watched.tick(effort=0.6 if tick < 15 else -0.6)
        assert last is well


def test_a_joint_that_creeps_is_measured_from_where_it_last_moved_to():
    watched = Watched(MOTOR)
    for tick in range(100):
        watched.state.position += 0.001
        assert watched.tick(effort=0.6 if tick % 12 < 6 else -0.6)


def test_what_a_servo_cannot_follow_is_no_evidence():
    """A policy that chatters about a position drives a joint both ways, and each time for too short a time."""
    for tick, well in ((4, True), (5, False)):
        watched = Watched(MOTOR)
        for _ in range(10):
            watched.tick(tick, effort=0.6)
            last = watched.tick(tick, effort=-0.6)
        assert last is well
        watched = Watched(MOTOR)
        for _ in range(10):
            watched.tick(4, effort=0.6)
            watched.tick(1)
            assert watched.tick(5, effort=-0.6)


def test_a_joint_that_moves_is_a_turning_encoder():
    watched = Watched(MOTOR)
    watched.tick(19, effort=0.6)
    assert watched.tick(1, effort=-0.6, moved=True)
    assert watched.tick(25, effort=-0.6)
    assert watched.tick(4, effort=0.6)
    assert not watched.tick(1, effort=0.6)
    assert watched.tick(1, moved=True)
    assert watched.time == 0.0


def test_a_joint_that_did_not_answer_has_not_stood_still():
    watched = Watched(MOTOR)
    for effort in (0.6, -0.6):
        for _ in range(200):
            watched.state.effort[:] = effort
            assert watched.encoder.update(watched.state, array(0.0), array(0.0))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(("share", "well"), [(0.49, False), (0.5, True), (1.0, True)])
def test_a_servo_whose_target_moves_away_gives_the_effort_of_its_law_or_is_not_held_up(sign, share, well):
    watched = Watched(SERVO)
    watched.tick(1, moved=True)
    assert watched.tick(TICKS - 1, error=sign * 0.1, effort=sign * share * 1.0)
    assert watched.tick(1, error=sign * 0.1, effort=sign * share * 1.0) is well
    assert (watched.time > 0.0) is not well


def test_of_a_servo_s_law_no_more_is_expected_than_the_effort_limit():
    for effort, well in ((1.0, True), (0.99, False)):
        watched = Watched(SERVO)
        watched.tick(1, moved=True)
        assert watched.tick(TICKS, error=5.0, effort=effort) is well


@pytest.mark.parametrize("before", [0.1, 0.12, -0.12])
def test_a_servo_whose_target_did_not_move_away_may_give_little(before):
    """Its stiffness may be set too high in the YAML: standing still is still no fault."""
    watched = Watched(SERVO)
    watched.tick(1, error=before, moved=True)
    well = watched.tick(100, error=0.1, effort=0.2)
    assert well is (before > 0.0)


def test_a_servo_whose_target_moves_away_and_stays_near_is_no_evidence():
    watched = Watched(SERVO)
    watched.tick(1, error=-0.04, moved=True)
    assert watched.tick(100, error=0.05)
    watched.tick(1, error=-0.04, moved=True)
    assert watched.tick(100, error=0.04)


def test_too_little_effort_must_last_without_a_break():
    watched = Watched(SERVO)
    watched.tick(1, moved=True)
    for _ in range(5):
        assert watched.tick(TICKS - 1, error=0.1)
        assert watched.tick(1, error=0.1, effort=1.0)
    assert watched.tick(TICKS - 1, error=0.1)
    assert watched.tick(1, error=0.1, moved=True)
    assert watched.tick(TICKS, error=0.1)
    watched.tick(1, moved=True)
    assert not watched.tick(TICKS, error=0.1)


def test_a_motor_that_gets_its_effort_from_here_is_not_asked_for_the_law_of_a_servo():
    for joint in (MOTOR, LEG):
        watched = Watched(joint)
        watched.tick(1, moved=True)
        assert watched.tick(200, error=1.0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_encoder_before_the_gear_shows_when_the_effort_changes(sign):
    for change, well in ((0.5, True), (0.500001, False)):
        watched = Watched(LEG)
        watched.tick(1, effort=0.25, moved=True)
        watched.tick(5, effort=0.25)
        assert watched.tick(14, effort=0.25 + sign * change)
        assert watched.tick(1, effort=0.25 + sign * change) is well
    for joint in (SERVO, MOTOR):
        watched = Watched(joint)
        watched.tick(1, effort=0.0, moved=True)
        assert watched.tick(100, effort=sign * 1.0)


def test_the_effort_changed_for_three_quarters_of_the_time_in_all():
    watched = Watched(LEG)
    watched.tick(1, moved=True)
    for _ in range(14):
        watched.tick(4)
        assert watched.tick(1, effort=0.6)
    watched.tick(4)
    assert not watched.tick(1, effort=0.6)
    assert watched.tick(1, effort=0.6, moved=True)
    assert watched.tick(100, effort=0.6)


def test_the_effort_before_the_first_command_counts_as_that_of_the_position():
    encoder, state = StuckEncoder(robot_of(LEG), AFTER), state_of(1, effort=1.5)
    encoder.begin(state)
    for _ in range(100):
        assert encoder.update(state, array(0.0), array(TICK))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_velocity_that_adds_up_contradicts_a_position_that_does_not_change(sign):
    for velocity, well in ((0.159, True), (0.161, False)):
        watched = Watched(SERVO)
        assert watched.tick(TICKS - 1, velocity=sign * velocity)
        assert watched.tick(1, velocity=sign * velocity) is well
    watched = Watched(SERVO)
    for _ in range(20):  # it shakes
        assert watched.tick(1, velocity=sign)
        assert watched.tick(1, velocity=-sign)
    watched.tick(1, velocity=sign, moved=True)
    assert watched.tick(TICKS + 5, velocity=0.0)


def test_travel_by_velocity_of_just_as_much_is_enough():
    watched = Watched(SERVO)
    watched.tick(1, velocity=FROZEN_TRAVEL / TICK)
    assert not watched.tick(TICKS - 1)


def test_begin_forgets_all_of_it():
    watched = Watched(MOTOR)
    watched.tick(25, effort=0.6)
    watched.tick(5, effort=-0.6)
    assert watched.time > 0.0
    watched.encoder.begin(watched.state)
    assert watched.time == 0.0
    assert watched.tick(25, effort=0.6)
    servo = Watched(SERVO)
    servo.tick(1, error=0.1, moved=True)
    servo.encoder.begin(servo.state)
    assert not servo.tick(TICKS + 1, error=0.1)
    moved = state_of(1, position=0.7)
    watched.encoder.begin(moved)
    assert watched.encoder.update(moved, array(0.0), array(TICK))


def test_joints_are_judged_one_by_one():
    encoder = StuckEncoder(robot_of(SERVO, MOTOR, LEG), AFTER)
    state = state_of(3)
    encoder.begin(state)
    for tick in range(40):
        state.position[[0, 2]] += 0.01
        state.effort[:] = 0.6 if tick < 20 else -0.6
        well = encoder.update(state, array(0.0, 0.0, 0.0), np.full(3, TICK))
    assert not well
    assert encoder.time.tolist() == [0.0, pytest.approx(40 * TICK), 0.0]


def test_the_effort_of_a_leg_counts_beside_motors_of_other_modes():
    encoder = StuckEncoder(robot_of(SERVO, MOTOR, LEG), AFTER)
    state = state_of(3)
    encoder.begin(state)
    for _ in range(TICKS):
        state.position[:2] += 0.01
        state.effort[2] = 0.6
        well = encoder.update(state, np.zeros(3), np.full(3, TICK))
    assert not well
    assert encoder.time.tolist() == [0.0, 0.0, AFTER]


@pytest.mark.parametrize("seed", range(8))
def test_joints_of_one_robot_are_watched_as_each_would_be_alone(seed):
    """Each drawn from a few levels, which last for a while: with all kinds of evidence, and without."""
    joints = (SERVO, MOTOR, LEG, SERVO.model_copy(update={"name": "soft", "stiffness": 3.0}))
    rng = np.random.default_rng(seed)
    robot, alone = StuckEncoder(robot_of(*joints), AFTER), [StuckEncoder(robot_of(joint), AFTER) for joint in joints]
    state, parts = state_of(4), [state_of(1) for _ in joints]
    error, elapsed_s, stuck = np.zeros(4), np.zeros(4), np.zeros(4, np.bool_)
    robot.begin(state)
    for each, part in zip(alone, parts, strict=True):
        each.begin(part)
    for _ in range(60):
        state.position[:] += np.where(rng.random(4) < 0.1, 0.01, 0.0)
        other = rng.random(4) < 0.3
        np.copyto(state.effort, rng.choice([-0.6, 0.0, 0.6, 1.2], 4), where=other)
        np.copyto(state.velocity, rng.choice([-0.2, 0.0, 0.0, 0.2], 4), where=other)
        np.copyto(error, rng.choice([-0.2, 0.0, 0.06, 0.12], 4), where=other)
        elapsed_s[:] = rng.choice([0.0, TICK, TICK, TICK], 4)
        for _ in range(rng.integers(1, 9)):
            well = robot.update(state, error, elapsed_s)
            for index, (each, part) in enumerate(zip(alone, parts, strict=True)):
                for name in ("position", "effort", "velocity"):
                    getattr(part, name)[0] = getattr(state, name)[index]
                each.update(part, error[index : index + 1], elapsed_s[index : index + 1])
            assert robot.time.tolist() == [float(each.time[0]) for each in alone]
            assert well is not any(robot.time)
            stuck |= robot.time > 0.0
    assert stuck.any()


@pytest.mark.parametrize("slow", [0, 1])
def test_a_joint_that_creeps_has_moved_however_fast_another_one_is(slow):
    """Each is measured from where it last moved itself: a creeping joint leaves the noise after some ticks."""
    encoder, state = (
        StuckEncoder(robot_of(LEG, LEG.model_copy(update={"name": "other"})), AFTER),
        state_of(2, position=0.3),
    )
    encoder.begin(state)
    step = np.full(2, 0.1)
    step[slow] = NOISE / 4
    state.velocity[:] = 0.0
    state.velocity[slow] = FROZEN_TRAVEL / AFTER  # with which it would have to have gone farther than it has
    elapsed = np.full(2, TICK)
    for tick in range(4 * TICKS):
        state.position += step
        assert encoder.update(state, np.zeros(2), elapsed), tick
