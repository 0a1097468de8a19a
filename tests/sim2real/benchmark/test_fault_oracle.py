"""Laws of the oracle of the fault campaign: it catches commands that exceed the envelope by a little, and no others."""

from dataclasses import dataclass, field, replace
from math import inf

import pytest

from sim2real.benchmark.fault_oracle import MotorOracle
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.firmware.motor import MotorGoal, Shaft

MS = 1_000_000
PERIOD = 0.02
FIRST, ZERO = "shoulder_pan", 3.141592653589793
LIMITS = (-1.9198621771937625, 1.9198621771937625)  # 110 deg
VELOCITY = 4.0
GOAL = MotorGoal(position=ZERO, effort=0.0, stiffness=8.0, damping=0.0, effort_max=1.59)


@dataclass
class Motor:
    """A recorded motor; the goal is its joint's, moved to the motor's own angle."""

    torque_enabled: bool = False
    driven: bool = False
    goal_writes: int = 0
    goal: MotorGoal = GOAL
    shaft: Shaft = field(default_factory=lambda: Shaft(angle=ZERO))

    def on(self) -> None:
        self.torque_enabled = self.driven = True

    def off(self) -> None:
        self.torque_enabled = self.driven = False


class Record:
    """A robot whose first motor is told something; the others stay off."""

    def __init__(self, robot: RobotConfig | None = None) -> None:
        self.robot = robot or load_robot("so101")
        self.motors = [Motor() for _ in self.robot.joints]
        self.oracle = MotorOracle(self.robot, PERIOD)
        self.first, self.time_ns = self.motors[0], 0

    def see(self, after_s: float = PERIOD) -> None:
        self.time_ns += round(after_s * 1e9)
        self.oracle.see(self.time_ns, self.motors)

    def tell(self, angle: float, after_s: float = PERIOD, **changes: float) -> None:
        """The first motor receives a goal for its joint angle."""
        self.first.goal_writes += 1
        self.first.goal = replace(GOAL, position=ZERO + angle, **changes)
        self.first.shaft.angle = ZERO + angle
        self.see(after_s)

    @property
    def rules(self) -> set[str]:
        return set(self.oracle.counts)


def running(robot: RobotConfig | None = None) -> Record:
    record = Record(robot)
    record.see()
    record.first.on()
    record.see()
    record.tell(0.0)
    assert record.rules == set()
    return record


def with_joint(**changes: object) -> RobotConfig:
    robot = load_robot("so101")
    joint = robot.joints[FIRST].model_copy(update=changes)
    return robot.model_copy(update={"joints": robot.joints | {FIRST: joint}})


def sweep(record: Record, speed: float, ticks: int = 20, period: float = PERIOD) -> None:
    angle = 0.0
    for _ in range(ticks):
        angle += speed * period
        record.tell(angle, period)


def test_goals_at_the_velocity_limit_are_allowed_and_a_tenth_more_is_not():
    allowed, fast = running(), running()
    sweep(allowed, VELOCITY)
    sweep(fast, 1.1 * VELOCITY)
    assert allowed.rules == set()
    assert fast.rules == {"velocity"}


def test_one_jump_is_found():
    record = running()
    record.tell(2.0 * VELOCITY * PERIOD)
    assert record.rules == {"velocity"}


def test_after_lost_goals_the_next_may_be_as_far_as_all_of_them():
    record = running()
    record.tell(3.0 * VELOCITY * PERIOD, after_s=3.0 * PERIOD)
    assert record.rules == set()


def test_a_goal_that_waited_may_not_make_up_for_the_time():
    record = running()
    for _ in range(5):
        record.tell(0.0)
    record.tell(4.0 * VELOCITY * PERIOD)
    assert record.rules == {"velocity"}


@pytest.mark.parametrize("side", [0, 1])
def test_a_goal_at_a_limit_is_allowed_and_one_degree_beyond_is_not(side):
    inside, outside = running(), running()
    sign = (-1.0, 1.0)[side]
    for record, beyond in ((inside, 0.0), (outside, 0.0175)):
        target, angle = LIMITS[side] + sign * beyond, 0.0
        while abs(target - angle) > 0.05:
            angle += sign * 0.05
            record.tell(angle)
        record.tell(target)
    assert inside.rules == set()
    assert outside.rules == {"position"}


def test_a_goal_that_starts_outside_may_move_back_and_not_out_again():
    record = Record()
    record.first.goal, record.first.shaft = replace(GOAL, position=ZERO + 2.0), Shaft(angle=ZERO + 2.0)
    record.first.on()
    record.see()
    record.tell(1.98)
    record.tell(1.95)
    assert record.rules == set()
    record.tell(1.99)
    assert record.rules == {"position"}


def test_a_joint_that_fell_beyond_its_limit_is_held_where_it_is():
    record = Record(with_joint(mode="impedance"))
    record.first.goal, record.first.shaft = replace(GOAL, position=None), Shaft(angle=ZERO + 2.0)
    record.first.on()
    record.see()
    record.tell(2.0)
    assert record.rules == set()


@pytest.mark.parametrize(("read", "rules"), [(1.95, set()), (2.2, {"position", "jump at enable"})])
def test_the_first_goal_is_where_a_joint_was_read_though_it_has_swung_back(read, rules):
    record = Record()
    record.first.goal, record.first.shaft = replace(GOAL, position=ZERO + 1.91), Shaft(angle=ZERO + 1.91)
    record.first.on()
    record.see()
    record.first.goal_writes += 1
    record.first.goal = replace(GOAL, position=ZERO + read)
    record.see()
    assert record.rules >= rules
    assert "position" not in record.rules or rules


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"effort": 1.7}, "effort"),
        ({"effort": float("nan")}, "effort"),
        ({"effort_max": 1.65}, "effort"),
        ({"effort_max": inf}, "effort"),
        ({"stiffness": 8.6}, "gain"),
        ({"stiffness": float("nan")}, "gain"),
        ({"damping": 0.7}, "gain"),
        ({"damping": -0.1}, "gain"),
    ],
)
def test_torque_and_gains_above_the_joints_are_found(change, rule):
    record = running()
    record.tell(0.0, **change)
    assert rule in record.rules


def test_an_effort_above_the_limit_of_a_joint_in_current_mode_is_found():
    robot = load_robot("pendulum")
    record = Record(robot)
    record.first.goal = MotorGoal(None, 0.0, 0.0, 0.0, inf)
    record.first.on()
    record.see()
    for effort, rules in ((0.6, set()), (0.62, {"effort"})):
        record.first.goal = replace(record.first.goal, effort=effort)
        record.first.goal_writes += 1
        record.see()
        assert record.rules == rules


def test_torque_that_comes_on_away_from_the_goal_is_a_jump():
    near, far = Record(), Record()
    for record, away in ((near, 0.04), (far, 0.06)):
        record.first.shaft.angle = ZERO + away
        record.first.on()
        record.see()
    assert near.rules == set()
    assert far.rules == {"jump at enable"}


def test_the_first_goal_after_torque_came_on_is_where_the_joint_is_then():
    record = Record()
    record.first.on()
    record.see()
    record.first.goal_writes += 1
    record.first.shaft.angle = ZERO + 0.4  # it fell meanwhile
    record.see(after_s=0.1)
    assert record.rules == {"jump at enable"}


def test_torque_after_the_request_to_stop_is_found_and_torque_that_was_on_before_is_not():
    record = running()
    record.oracle.forbid(record.time_ns, "stop")
    record.oracle.forbid(record.time_ns, "fault")
    record.see()
    assert record.rules == set()
    record.motors[1].on()
    record.see()
    assert record.rules == {"torque after stop"}
    assert record.oracle.driven() == [FIRST, list(record.robot.joints)[1]]


def test_torque_may_come_on_again_after_a_reset_and_a_start():
    record = running()
    record.first.off()
    record.see()
    record.oracle.forbid(record.time_ns, "fault")
    record.oracle.permit()
    record.first.on()
    record.see()
    assert record.rules == set()


def test_an_acceleration_limit_is_measured_and_slowing_down_is_free():
    robot = with_joint(acceleration_limit=20.0)  # 0.4 rad/s a tick
    allowed, hard = running(robot), running(robot)
    for record, step in ((allowed, 0.4), (hard, 1.0)):
        angle = speed = 0.0
        for _ in range(3):
            speed += step
            angle += speed * PERIOD
            record.tell(angle)
        record.tell(angle)
    assert allowed.rules == set()
    assert hard.rules == {"acceleration"}


def test_a_goal_without_stiffness_may_follow_the_joint():
    record = running(with_joint(mode="impedance"))
    record.tell(1.0, stiffness=0.0)
    assert record.rules == set()


@pytest.mark.parametrize("frozen", [True, False])
def test_a_goal_that_moves_with_the_shaft_of_a_frozen_encoder_is_no_step(frozen):
    """What such a motor drives at is where its shaft is, and the constant error; a step of the error is one."""
    record = running()
    if frozen:
        record.oracle.frozen = frozenset({FIRST})
    sweep(record, 1.5 * VELOCITY, ticks=10)  # goal and shaft
    assert record.rules == (set() if frozen else {"velocity"})
    before = record.oracle.counts["velocity"]
    record.first.goal_writes += 1
    record.first.goal = replace(GOAL, position=record.first.goal.position + 2.0 * VELOCITY * PERIOD)
    record.see()
    assert record.oracle.counts["velocity"] == before + 1


def test_joints_whose_motor_has_another_id_are_told_nothing():
    record = Record()
    record.oracle.strangers = frozenset({FIRST})
    record.first.on()
    record.see()
    record.tell(1.5, effort_max=inf)
    assert record.rules == set()


def test_findings_are_counted_after_the_list_is_full():
    record = running()
    for _ in range(100):
        record.tell(0.0, effort=9.0)
    assert record.oracle.counts["effort"] == 100
    assert 1 <= len(record.oracle.findings) < 100
    assert "9 of 1.6 N*m" in str(record.oracle.findings[0])
