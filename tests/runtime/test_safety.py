"""Laws of the trusted core: boundary sweeps of every limit, and for any input a finite command inside the limits."""

import math
from dataclasses import replace

import numpy as np
import pytest
from envelope_robots import ENVELOPE
from hypothesis import given
from hypothesis import strategies as st

from sim2real.hardware.types import ImuFault, ImuState, JointCommand, JointState
from sim2real.runtime.contract.robot import ImuSpec, JointSpec, RobotSpec
from sim2real.runtime.contract.spec import ObservationTermSpec
from sim2real.runtime.envelope.settings import JointSettings, SafetySettings
from sim2real.runtime.interventions import InterventionLog
from sim2real.runtime.limits import CommandLimits, Intervention, effort_bounds
from sim2real.runtime.safety import Safety
from sim2real.runtime.verdict import ALL_WELL, DAMP_REASONS, Level, Reason, Violation, joined, verdict_of

PERIOD = 0.01
HEALTH_AGE_NS = 2_000_000_000
NOW = 10_000_000_000
MS = 1_000_000

ARM = JointSpec(
    name="arm",
    mode="current",
    default_position=0.0,
    position_min=-2.0,
    position_max=2.0,
    velocity_max=9.0,
    effort_max=0.5,
    stiffness=1.0,
    damping=0.15,
)
HEAD = ARM.model_copy(update={"name": "head", "mode": "position", "position_min": -1.0, "position_max": 1.5})
ROBOT = RobotSpec(name="two", joints=(ARM, HEAD), safety=ENVELOPE)
SETTINGS = SafetySettings(envelope=ENVELOPE, joints=(JointSettings(), JointSettings()))
ONE = SafetySettings(envelope=ENVELOPE, joints=(JointSettings(),))


def readings(**changes) -> JointState:
    """Readings with which all is well, but for the changes, which apply to the first joint."""
    state = JointState.empty(2)
    state.position[:] = 0.1
    state.velocity[:] = 0.2
    state.effort[:] = 0.1
    state.temperature[:] = 30.0
    state.voltage[:] = 12.0
    state.stamp_ns[:] = state.health_stamp_ns[:] = NOW
    state.fresh[:] = True
    for name, value in changes.items():
        getattr(state, name)[0] = value
    return state


def watching() -> Safety:
    safety = Safety(ROBOT, SETTINGS, PERIOD)
    safety.begin(readings(), NOW)
    return safety


def judge(state: JointState, *, now_ns: int = NOW, missed: int = 0):
    """Judge readings of joints that have been where they are for a while."""
    safety, before = watching(), readings()
    before.position[:] = state.position
    before.stamp_ns[:] = state.stamp_ns
    safety.begin(before, NOW)
    return safety.check(state, now_ns, missed)


def test_healthy_readings_are_all_well():
    assert judge(readings()) is ALL_WELL


def after(value: float) -> float:
    return math.nextafter(value, math.inf)


def before(value: float) -> float:
    return math.nextafter(value, -math.inf)


BOUNDS = [
    ("position", -2.5, 2.5, Reason.POSITION, Level.FAULT),
    ("velocity", -12.0, 12.0, Reason.VELOCITY, Level.FAULT),
    ("effort", -1.0, 1.0, Reason.EFFORT, Level.DAMP),
    ("temperature", None, 70.0, Reason.TEMPERATURE, Level.FAULT),
    ("voltage", 10.0, 14.8, Reason.VOLTAGE, Level.FAULT),
]


@pytest.mark.parametrize(("field", "low", "high", "reason", "level"), BOUNDS)
def test_a_value_on_its_limit_is_allowed_and_one_ulp_beyond_is_not(field, low, high, reason, level):
    for limit, beyond in ((low, before), (high, after)):
        if limit is None:
            continue
        assert judge(readings(**{field: limit})) is ALL_WELL
        verdict = judge(readings(**{field: beyond(limit)}))
        assert verdict.level is level
        assert verdict.reasons == reason
        assert verdict.violations == (Violation(reason, 0, beyond(limit), limit),)


@pytest.mark.parametrize("field", ["position", "velocity", "effort"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_reading_that_is_not_finite_is_a_fault(field, value):
    verdict = judge(readings(**{field: value}))
    assert verdict.level is Level.FAULT
    assert verdict.reasons == Reason.NOT_FINITE


@pytest.mark.parametrize(
    ("field", "reason"), [("temperature", Reason.TEMPERATURE_UNKNOWN), ("voltage", Reason.VOLTAGE_UNKNOWN)]
)
def test_a_slow_reading_may_be_unknown_for_the_grace_and_no_longer(field, reason):
    safety, state = watching(), readings(**{field: math.nan})
    state.velocity[:] = 0.0
    state.stamp_ns[:] = state.health_stamp_ns[:] = NOW + HEALTH_AGE_NS
    assert safety.check(state, NOW + HEALTH_AGE_NS, 0) is ALL_WELL
    verdict = safety.check(state, NOW + HEALTH_AGE_NS + 1, 0)
    assert verdict.level is Level.FAULT
    assert verdict.reasons == reason


def test_ages_of_readings_damp_and_then_fault():
    for age_ns, reasons in (
        (50 * MS, Reason(0)),
        (50 * MS + 1, Reason.STALE_READING),
        (200 * MS, Reason.STALE_READING),
        (200 * MS + 1, Reason.STALE_READING | Reason.COMMUNICATION_LOSS),
    ):
        state = readings()
        state.fresh[0], state.stamp_ns[1] = False, NOW + age_ns
        assert judge(state, now_ns=NOW + age_ns).reasons == reasons


def test_a_reading_from_the_future_is_stale():
    verdict = judge(readings(stamp_ns=NOW + 1))
    assert verdict.level is Level.DAMP
    assert verdict.reasons == Reason.STALE_READING


def test_a_joint_that_never_answered_is_a_communication_loss():
    verdict = judge(readings(stamp_ns=-1))
    assert Reason.COMMUNICATION_LOSS in verdict.reasons


def test_joints_that_answer_only_in_turns_are_stale_together():
    safety = watching()
    verdict = ALL_WELL
    for tick in range(1, 8):
        state = readings()
        now_ns = NOW + tick * 10 * MS
        state.fresh[:] = [tick % 2 == 0, tick % 2 == 1]
        state.stamp_ns[:] = np.where(state.fresh, now_ns, now_ns - 10 * MS)
        verdict = safety.check(state, now_ns, 0)
    assert verdict.reasons == Reason.STALE_READING
    assert verdict.violations[0].joint == -1


@pytest.mark.parametrize(("missed", "reasons"), [(20, Reason(0)), (21, Reason.MISSED_TICKS), (-1, Reason.MISSED_TICKS)])
def test_missed_ticks_in_a_row(missed, reasons):
    assert judge(readings(), missed=missed).reasons == reasons


def test_a_motor_fault_is_a_fault():
    assert judge(readings(faults=4)).reasons == Reason.MOTOR_FAULT


def test_whoever_forgets_to_begin_is_refused():
    state = readings(temperature=math.nan)
    state.fresh[:] = False
    verdict = Safety(ROBOT, SETTINGS, PERIOD).check(state, NOW, 0)
    assert verdict.reasons == Reason.STALE_READING | Reason.TEMPERATURE_UNKNOWN | Reason.POSITION_JUMP


@pytest.mark.parametrize("elapsed_ms", [0, 10, 30])
@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_a_joint_moves_no_farther_than_its_speed_allows(elapsed_ms, direction):
    """12 rad/s is limit and margin together; a control period makes up for stamps that say when a reading arrived."""
    reach = 12.0 * (elapsed_ms * 1e-3 + PERIOD)
    for share, reasons in ((0.99, Reason(0)), (1.01, Reason.POSITION_JUMP)):
        safety = watching()
        moved = readings(position=0.1 + direction * share * reach, stamp_ns=NOW + elapsed_ms * MS)
        moved.stamp_ns[1] = NOW + elapsed_ms * MS
        verdict = safety.check(moved, NOW + elapsed_ms * MS, 0)
        assert verdict.reasons == reasons
        assert verdict.level is (Level.FAULT if reasons else Level.OK)
        for violation in verdict.violations:
            assert violation.value == moved.position[0]
            assert violation.limit == pytest.approx(0.1 + direction * reach)


def test_a_joint_that_did_not_answer_may_have_moved_the_farther_the_longer_ago_that_was():
    safety = watching()
    for tick in range(1, 4):
        state = readings()
        state.fresh[0], state.stamp_ns[1] = False, NOW + tick * 10 * MS
        assert safety.check(state, NOW + tick * 10 * MS, 0) is ALL_WELL
    back = readings(position=0.1 + 12.0 * 0.04, stamp_ns=NOW + 40 * MS)
    back.stamp_ns[1] = NOW + 40 * MS
    assert safety.check(back, NOW + 40 * MS, 0) is ALL_WELL


def test_after_a_jump_the_new_position_is_what_the_next_is_measured_from():
    safety = watching()
    assert safety.check(readings(position=1.5), NOW, 0).reasons == Reason.POSITION_JUMP
    assert safety.check(readings(position=1.5), NOW, 0) is ALL_WELL


def test_levels_are_ordered():
    assert [level.value for level in Level] == [0, 1, 2]


def test_the_worst_reason_decides():
    assert verdict_of(()) is ALL_WELL
    for reason in Reason:
        expected = Level.DAMP if reason in DAMP_REASONS else Level.FAULT
        assert verdict_of((Violation(reason, 0, 0.0, 0.0),)).level is expected
    assert judge(readings(effort=2.0, position=9.0)).level is Level.FAULT


anything = st.floats(allow_nan=True, allow_infinity=True)
near = st.one_of(anything, st.floats(-3.0, 3.0), st.sampled_from([0.5, -0.5, 1.0, 1.5, 2.0, -2.0, 9.0, -9.0, 0.0]))


@given(st.lists(near, min_size=6, max_size=6), st.integers(-(2**62), 2**62), st.booleans())
def test_all_well_is_said_only_when_no_single_check_fails(values, stamp, fresh):
    """The quick way in array operations never allows what the scalar checks refuse."""
    state = readings(**dict(zip(("position", "velocity", "effort", "temperature", "voltage"), values, strict=False)))
    state.stamp_ns[1], state.fresh[1] = stamp, fresh
    verdict = judge(state)
    q, v, effort, temperature, voltage = values[:5]
    well = (
        -2.5 <= q <= 2.5
        and -12.0 <= v <= 12.0
        and -1.0 <= effort <= 1.0
        and (temperature <= 70.0 or math.isnan(temperature))
        and (10.0 <= voltage <= 14.8 or math.isnan(voltage))
        and 0 <= NOW - stamp <= 50 * MS
    )
    assert (verdict.level is Level.OK) == well


# --- commands


def command(**targets) -> JointCommand:
    made = JointCommand.zeros(2)
    for name, value in targets.items():
        getattr(made, name)[:] = value
    return made


def limits(position=(0.1, 0.1)) -> CommandLimits:
    made = CommandLimits(ROBOT, SETTINGS, PERIOD)
    state = readings()
    state.position[:] = position
    made.begin(state)
    return made


def assert_inside(made: JointCommand) -> None:
    for values in (made.position, made.velocity, made.effort, made.stiffness, made.damping):
        assert np.isfinite(values).all()
    for index, joint in enumerate(ROBOT.joints):
        margin = ENVELOPE.position_margin
        assert joint.position_min - margin <= made.position[index] <= joint.position_max + margin
        assert abs(made.velocity[index]) <= joint.velocity_max
        assert abs(made.effort[index]) <= joint.effort_max
        assert 0.0 <= made.stiffness[index] <= joint.stiffness
        assert 0.0 <= made.damping[index] <= joint.damping


@given(
    st.lists(near, min_size=10, max_size=10),
    st.lists(near, min_size=4, max_size=4),
    st.lists(near, min_size=2, max_size=2),
)
def test_any_command_comes_out_finite_and_inside_the_limits(targets, measured, start):
    guard = limits(start)
    made = JointCommand(*np.array(targets).reshape(5, 2))
    state = readings()
    state.position[:], state.velocity[:] = measured[:2], measured[2:]
    for _ in range(2):
        guard.limit(made, state)
        assert_inside(made)
        for index, joint in enumerate(ROBOT.joints):
            low, high, _ = effort_bounds(joint, float(state.position[index]), float(state.velocity[index]))
            assert low <= made.effort[index] <= high or made.effort[index] == 0.0
        made = JointCommand(*np.array(targets).reshape(5, 2))


@given(
    st.lists(near, min_size=4, max_size=4),
    st.lists(near, min_size=2, max_size=2),
    st.lists(st.booleans(), min_size=2, max_size=2),
)
def test_damping_is_finite_inside_the_limits_and_never_drives(measured, start, usable):
    guard = limits(start)
    made, state = command(), readings()
    state.position[:], state.velocity[:] = measured[:2], measured[2:]
    for _ in range(2):
        guard.damp(made, state, np.array(usable))
        assert_inside(made)
    inside = ARM.position_min <= state.position[0] <= ARM.position_max
    assert made.effort[1] == 0.0
    if not usable[0]:
        assert made.effort[0] == 0.0
    elif inside and math.isfinite(state.velocity[0]):
        assert made.effort[0] * state.velocity[0] <= 0.0


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=2))
def test_what_is_inside_the_limits_is_not_touched(efforts):
    guard, made = limits(), command(position=0.1, velocity=0.5)
    made.effort[:] = efforts
    bits = guard.limit(made, readings())
    assert not bits.any()
    assert made.effort.tolist() == efforts


@given(st.lists(near, min_size=10, max_size=10), st.lists(near, min_size=4, max_size=4))
def test_limiting_twice_changes_nothing_more(targets, measured):
    guard = limits()
    made = JointCommand(*np.array(targets).reshape(5, 2))
    state = readings()
    state.position[:], state.velocity[:] = measured[:2], measured[2:]
    guard.limit(made, state)
    once = [made.velocity.copy(), made.effort.copy(), made.stiffness.copy(), made.damping.copy()]
    guard.limit(made, state)
    for first, second in zip(once, (made.velocity, made.effort, made.stiffness, made.damping), strict=True):
        assert first.tolist() == second.tolist()


SWEEPS = [
    ("position", 0, 2.0, Intervention.POSITION_TARGET),
    ("velocity", 0, 9.0, Intervention.VELOCITY_TARGET),
    ("effort", 0, 0.5, Intervention.EFFORT),
    ("stiffness", 0, 1.0, Intervention.GAIN),
    ("damping", 0, 0.15, Intervention.GAIN),
    ("position", 0, -2.0, Intervention.POSITION_TARGET),
    ("velocity", 0, -9.0, Intervention.VELOCITY_TARGET),
    ("effort", 0, -0.5, Intervention.EFFORT),
    ("stiffness", 0, 0.0, Intervention.GAIN),
    ("damping", 0, 0.0, Intervention.GAIN),
]


@pytest.mark.parametrize(("field", "joint", "limit", "expected"), SWEEPS)
def test_a_target_on_its_limit_passes_and_one_ulp_beyond_is_cut_to_it(field, joint, limit, expected):
    lower = limit < 0 or (limit == 0.0)
    made = command(position=0.1)
    getattr(made, field)[joint] = limit
    assert not limits().limit(made, readings()).any()
    getattr(made, field)[joint] = before(limit) if lower else after(limit)
    assert limits().limit(made, readings())[joint] == expected
    assert getattr(made, field)[joint] == limit


def test_a_position_target_moves_no_faster_than_the_velocity_limit():
    guard, made, target = limits(), command(), []
    for _ in range(5):
        made.position[:] = [0.0, 1.4]
        bits = guard.limit(made, readings())
        target.append(made.position[1])
        assert bits[1] == Intervention.POSITION_STEP
    assert np.diff([0.1, *target]) == pytest.approx(9.0 * PERIOD)


def test_who_starts_outside_the_limits_is_walked_back_without_a_jump():
    guard, made, targets = limits((0.0, 1.9)), command(), [1.9]
    for wanted in (3.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 3.0, 3.0):
        made.position[:] = [0.0, wanted]
        guard.limit(made, readings())
        targets.append(made.position[1])
    assert max(abs(np.diff(targets))) <= 9.0 * PERIOD + 1e-12
    outside = [target for target in targets if target > HEAD.position_max]
    assert outside == sorted(outside, reverse=True)  # never farther out again
    assert targets[-1] == HEAD.position_max


def test_a_robot_without_position_mode_has_no_step_limit():
    guard = CommandLimits(RobotSpec(name="one", joints=(ARM,), safety=ENVELOPE), ONE, PERIOD)
    made, state = JointCommand.zeros(1), JointState.empty(1)
    state.position[:], state.velocity[:] = 0.0, 0.0
    guard.begin(state)
    made.position[0] = 1.9
    assert not guard.limit(made, state).any()


def test_a_current_mode_joint_s_position_target_is_not_slowed():
    made = command(position=0.1)
    made.position[0] = 1.9
    assert not limits().limit(made, readings()).any()


@pytest.mark.parametrize(("side", "sign"), [("max", 1.0), ("min", -1.0)])
def test_beyond_a_position_limit_effort_must_lead_back(side, sign):
    state = readings(position=sign * 2.2, velocity=0.0)
    for effort, allowed in ((0.4, -0.2), (0.0, -0.2), (-0.1, -0.2), (-0.4, -0.4)):
        made = command(position=0.1)
        made.effort[0] = sign * effort
        bits = limits().limit(made, state)
        assert made.effort[0] == pytest.approx(sign * allowed)
        assert (bits[0] == Intervention.POSITION_GUARD) == (effort > -0.2)
    made = command(position=0.1)
    made.effort[0] = sign * 0.4
    assert not limits().limit(made, readings(position=sign * 2.0)).any()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_above_the_velocity_limit_effort_must_not_accelerate(sign):
    state = readings(velocity=sign * 9.1)
    made = command(position=0.1)
    made.effort[0] = sign * 0.3
    assert limits().limit(made, state)[0] == Intervention.VELOCITY_GUARD
    assert made.effort[0] == 0.0
    made.effort[0] = sign * -0.3
    assert not limits().limit(made, state).any()
    assert made.effort[0] == sign * -0.3


def test_contradicting_guards_leave_no_effort():
    weak = ARM.model_copy(update={"damping": 0.0})
    low, high, bits = effort_bounds(weak, 2.4, -9.5)
    assert (low, high) == (0.0, 0.0)
    assert bits == Intervention.POSITION_GUARD | Intervention.VELOCITY_GUARD


@pytest.mark.parametrize(("position", "velocity"), [(math.nan, 0.0), (0.0, math.nan), (math.nan, math.nan)])
def test_no_effort_without_knowing_where_the_joint_is(position, velocity):
    made = command(position=0.1, effort=0.3)
    limits().limit(made, readings(position=position, velocity=velocity))
    assert made.effort[0] == 0.0
    assert made.effort[1] == 0.3


@pytest.mark.parametrize("field", ["position", "velocity", "effort", "stiffness", "damping"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_target_that_is_not_finite_refuses_the_whole_command(field, value):
    made = command(effort=0.4, position=0.3)
    getattr(made, field)[1] = value
    bits = limits().limit(made, readings(velocity=2.0))
    assert bits.tolist() == [0, Intervention.NOT_FINITE]
    assert made.effort.tolist() == pytest.approx([-0.15 * 2.0, 0.0])
    assert made.position[1] == 0.1  # where it is
    assert made.stiffness[1] == HEAD.stiffness


def test_damping_holds_where_it_began_and_does_not_follow_a_sagging_joint():
    guard, made, state = limits(), command(), readings()
    usable = np.ones(2, np.bool_)
    for sag in (0.1, 0.05, 0.0):
        state.position[1] = sag
        guard.damp(made, state, usable)
        assert made.position[1] == 0.1
    made.position[:] = 0.05
    guard.limit(made, state)
    state.position[1] = 0.02
    guard.damp(made, state, usable)
    assert made.position[1] == 0.02


def test_a_stale_velocity_is_no_ground_to_push_on():
    safety, made = watching(), command()
    state = readings(velocity=3.0, stamp_ns=NOW - 60 * MS)
    state.fresh[0] = False
    assert safety.check(state, NOW, 0).level is Level.DAMP
    safety.damp(made, state)
    assert made.effort[0] == 0.0
    state = readings(velocity=3.0)
    assert safety.check(state, NOW, 0) is ALL_WELL
    safety.damp(made, state)
    assert made.effort[0] == pytest.approx(-0.45)


def test_every_intervention_is_reported_with_limit_joint_and_value():
    safety, log, made = watching(), InterventionLog(ROBOT), command(position=0.1)
    made.effort[0], made.velocity[0], made.stiffness[0], made.position[1] = 0.7, 10.0, 2.0, 1.0
    bits = safety.limit(made, readings())
    log.add_limits(NOW, bits, safety.requested, made)
    log.add_violations(NOW, judge(readings(position=9.0)).violations)
    log.add_violations(NOW, (Violation(Reason.PORT_LOST, -1, 1.0, 0.0),))
    told = {(event.reason, event.joint, event.value, round(event.limit, 6)) for event in log.events}
    assert told == {
        ("EFFORT", "arm", 0.7, 0.5),
        ("VELOCITY_TARGET", "arm", 10.0, 9.0),
        ("GAIN", "arm", 2.0, 1.0),
        ("POSITION_STEP", "head", 1.0, 0.19),
        ("POSITION", "arm", 9.0, 2.5),
        ("PORT_LOST", "", 1.0, 0.0),
    }
    assert log.total == 6
    assert str(log.events[0]).endswith("limit 0.5") or log.events[0].joint == "arm"


def test_the_list_of_events_is_bounded_and_the_counters_are_not():
    log = InterventionLog(ROBOT)
    for _ in range(1500):
        log.add_violations(NOW, (Violation(Reason.EFFORT, 0, 2.0, 1.0),))
    assert len(log.events) == 1000
    assert log.counts == {"EFFORT": 1500}


# --- IMUs

TRUNK = ImuSpec(name="trunk", body="trunk", stale_after=0.1)


def imu_readings(**changes) -> ImuState:
    """Readings of an IMU with which all is well, but for the changes."""
    state = ImuState.empty(1)
    state.angular_velocity[:], state.linear_acceleration[:] = 0.1, [0.0, 0.0, 9.81]
    state.orientation[:] = [1.0, 0.0, 0.0, 0.0]
    state.stamp_ns[:], state.fresh[:], state.faults[:] = NOW, True, 0
    for name, value in changes.items():
        getattr(state, name)[0] = value
    return state


def judge_imu(state: ImuState | None, *, imus=(TRUNK,), now_ns: int = NOW):
    safety = Safety(ROBOT, SETTINGS, PERIOD, imus)
    joints = readings(stamp_ns=now_ns)
    joints.stamp_ns[:] = now_ns
    safety.begin(joints, now_ns)
    return safety.check(joints, now_ns, 0, state)


def test_healthy_imu_readings_are_all_well():
    assert judge_imu(imu_readings()) is ALL_WELL


def test_an_imu_reading_is_allowed_up_to_its_age_and_not_a_nanosecond_longer():
    assert judge_imu(imu_readings(), now_ns=NOW + 100 * MS) is ALL_WELL
    verdict = judge_imu(imu_readings(), now_ns=NOW + 100 * MS + 1)
    assert verdict.level is Level.DAMP
    assert verdict.reasons == Reason.IMU_STALE
    assert verdict.violations == (Violation(Reason.IMU_STALE, 0, 0.100000001, 0.1),)


@pytest.mark.parametrize("stamp_ns", [-1, NOW + 1])
def test_an_imu_reading_that_never_came_or_is_from_the_future_is_stale(stamp_ns):
    assert judge_imu(imu_readings(stamp_ns=stamp_ns)).reasons == Reason.IMU_STALE


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (ImuFault.STALE, Reason.IMU_STALE),
        (ImuFault.FROZEN, Reason.IMU_FROZEN),
        (ImuFault.IMPLAUSIBLE, Reason.IMU_IMPLAUSIBLE),
    ],
)
def test_what_the_hardware_finds_wrong_with_an_imu_damps(fault, reason):
    verdict = judge_imu(imu_readings(faults=int(fault)))
    assert (verdict.level, verdict.reasons) == (Level.DAMP, reason)


@pytest.mark.parametrize("field", ["angular_velocity", "orientation"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_imu_reading_that_is_not_finite_damps(field, value):
    state = imu_readings()
    getattr(state, field)[0, 2] = value
    assert judge_imu(state).reasons == Reason.IMU_IMPLAUSIBLE


def test_a_policy_that_depends_on_an_imu_does_not_act_without_one():
    assert judge_imu(None).reasons == Reason.IMU_STALE


def test_an_imu_that_the_policy_does_not_depend_on_is_not_judged():
    assert judge_imu(imu_readings(faults=7, stamp_ns=-1), imus=()) is ALL_WELL
    assert judge_imu(None, imus=()) is ALL_WELL


def test_joints_are_damped_from_recent_readings_while_an_imu_is_stale():
    safety = Safety(ROBOT, SETTINGS, PERIOD, (TRUNK,))
    state = readings(velocity=1.0)
    safety.begin(state, NOW)
    assert safety.check(state, NOW, 0, imu_readings(faults=1)).level is Level.DAMP
    made = command(effort=0.3)
    safety.damp(made, state)
    assert made.effort[0] == pytest.approx(-0.15)


def test_events_name_the_imu():
    robot = ROBOT.model_copy(update={"imus": (TRUNK,)})
    log = InterventionLog(robot)
    log.add_violations(NOW, judge_imu(imu_readings(faults=2, stamp_ns=NOW - 200 * MS)).violations)
    assert [str(event) for event in log.events] == ["IMU trunk stale: 0.2 s, limit 0.1 s", "IMU trunk frozen"]
    assert [event.joint for event in log.events] == ["trunk", "trunk"]


@pytest.mark.parametrize("elapsed_s", [0.0, 0.001, PERIOD, 0.05])
def test_where_commands_come_at_no_fixed_rate_a_target_moves_as_far_as_the_time_since_the_last_allows(elapsed_s):
    safety, state = watching(), readings()
    safety.allow_for(elapsed_s)
    command = JointCommand.zeros(2)
    command.position[1] = HEAD.position_max
    bits = safety.limit(command, state)
    assert command.position[1] == pytest.approx(0.1 + elapsed_s * HEAD.velocity_max, abs=1e-12)
    assert bits[1] == Intervention.POSITION_STEP


# --- over time

SLOW = 10 * MS
"""A tick."""


class Run:
    """Ticks of healthy readings, changed at will."""

    def __init__(self, settings: SafetySettings = SETTINGS, **parts) -> None:
        self.safety, self.now, self.count = Safety(ROBOT, settings, PERIOD, **parts), NOW, 0
        self.safety.begin(readings(), NOW)

    def tick(self, count: int = 1, *, damp: bool = False, missed: int = 0, **changes):
        for _ in range(count):
            self.now, self.count = self.now + SLOW, self.count + 1
            state = readings(**changes)
            state.position += 0.01 * (self.count % 2)  # an encoder that is alive
            state.stamp_ns[:] = state.health_stamp_ns[:] = self.now
            verdict = self.safety.check(state, self.now, 0, missed=missed)
            if damp:
                self.safety.damp(command(position=0.1), state)
        return verdict


def test_damping_for_whatever_reason_is_a_fault_after_its_budget():
    run = Run()
    assert run.tick(201, damp=True) is ALL_WELL
    verdict = run.tick(damp=True)
    assert (verdict.level, verdict.reasons) == (Level.FAULT, Reason.DAMPING_TOO_LONG)
    assert verdict.violations == (Violation(Reason.DAMPING_TOO_LONG, -1, pytest.approx(2.01), 2.0),)
    assert run.tick(damp=False).reasons == Reason.DAMPING_TOO_LONG


def test_a_new_begin_has_the_whole_damping_budget_again():
    run = Run()
    run.tick(202, damp=True)
    assert run.tick().reasons == Reason.DAMPING_TOO_LONG
    state = readings()
    state.stamp_ns[:] = state.health_stamp_ns[:] = run.now
    run.safety.begin(state, run.now)
    assert run.tick() is ALL_WELL


def test_readings_that_come_in_turns_for_ever_end_in_a_fault():
    safety, now_ns, seen = watching(), NOW, Reason(0)
    for tick in range(1, 400):
        state = readings()
        now_ns += SLOW
        state.fresh[:] = [tick % 2 == 0, tick % 2 == 1]
        state.stamp_ns[:] = np.where(state.fresh, now_ns, now_ns - SLOW)
        state.health_stamp_ns[:] = now_ns
        state.velocity[:] = 0.0
        verdict = safety.check(state, now_ns, 0)
        seen |= verdict.reasons
        if verdict.level is Level.DAMP:
            safety.damp(command(position=0.1), state)
        if verdict.level is Level.FAULT:
            break
    assert verdict.level is Level.FAULT
    assert seen == Reason.STALE_READING | Reason.DAMPING_TOO_LONG
    assert now_ns - NOW == pytest.approx(2.05e9, abs=5 * SLOW)


def test_reacting_to_a_fault_is_not_damping():
    run, made = Run(), command(position=0.1)
    for _ in range(300):
        run.tick()
        run.safety.react("damp", made, readings())
    assert run.tick() is ALL_WELL


def test_a_share_of_missed_ticks_is_allowed_and_no_more():
    """A tick that takes longer than its period misses every other one: never many in a row."""
    run = Run()
    for _ in range(20):
        assert run.tick(missed=1) is ALL_WELL
    assert run.safety.missed_share == pytest.approx(0.1)
    verdict = run.tick(missed=1)
    assert verdict.violations == (Violation(Reason.MISSED_SHARE, -1, pytest.approx(0.105), 0.1),)
    assert verdict.level is Level.FAULT
    run.safety.begin(readings(), run.now)
    assert run.safety.missed_share == 0.0


def test_the_window_of_missed_ticks_is_as_long_as_the_yaml_says():
    run = Run(replace(SETTINGS, missed_share_window=0.1, missed_share_max=0.5))
    for _ in range(20):
        assert run.tick(missed=1) is ALL_WELL
    assert run.tick(missed=3).reasons == Reason.MISSED_SHARE


@pytest.mark.parametrize("missed", [-1, 21])
def test_missed_ticks_are_told_with_value_and_limit(missed):
    assert judge(readings(), missed=missed).violations == (Violation(Reason.MISSED_TICKS, -1, missed, 20.0),)


@pytest.mark.parametrize(
    ("age_ns", "silence"), [(0, None), (300 * MS, None), (300 * MS + 1, 0.300000001), (-1, -1e-9), (NOW + 1, None)]
)
def test_an_operator_s_device_that_is_in_use_gives_signs_of_life(age_ns, silence):
    safety = Safety(ROBOT, replace(SETTINGS, operator_timeout=0.3), PERIOD)
    safety.begin(readings(), NOW)
    verdict = safety.check(readings(), NOW, 0, operator_alive_ns=NOW - age_ns)
    if silence is None:
        assert verdict is ALL_WELL
    else:
        assert verdict.violations == (Violation(Reason.OPERATOR_LOST, -1, pytest.approx(silence), 0.3),)
        assert verdict.level is Level.DAMP


def test_an_operator_that_was_there_at_time_zero_is_lost_too():
    safety = Safety(ROBOT, replace(SETTINGS, operator_timeout=0.3), PERIOD)
    safety.begin(readings(), NOW)
    assert safety.check(readings(), NOW, 0, operator_alive_ns=0).reasons == Reason.OPERATOR_LOST


def test_where_no_operator_s_device_is_in_use_none_is_lost():
    safety = Safety(ROBOT, replace(SETTINGS, operator_timeout=0.3), PERIOD)
    safety.begin(readings(), NOW)
    assert safety.check(readings(), NOW, 0) is ALL_WELL


def stale_robot(safety: Safety, state: JointState) -> list[Violation]:
    """What a check says of the robot's last complete reading."""
    verdict = safety.check(state, NOW, 0)
    return [each for each in verdict.violations if (each.reason, each.joint) == (Reason.STALE_READING, -1)]


def test_before_begin_no_reading_was_complete_for_a_very_long_time():
    state = readings(fresh=False)
    (violation,) = stale_robot(Safety(ROBOT, SETTINGS, PERIOD), state)
    assert violation.value > 1e9  # s
    assert violation.limit == ENVELOPE.reading_age_max


def test_a_complete_reading_is_as_old_as_its_oldest_joint():
    old = NOW - round(ENVELOPE.reading_age_max * 1e9) - MS
    (violation,) = stale_robot(watching(), readings(stamp_ns=old))
    assert violation.value == pytest.approx(ENVELOPE.reading_age_max + 1e-3)


def test_a_complete_reading_from_the_future_is_none_to_act_on():
    state = readings()
    state.stamp_ns[:] = NOW + MS
    (violation,) = stale_robot(watching(), state)
    assert violation.value == pytest.approx(-1e-3)


def test_joined_verdicts_keep_what_the_first_says_of_a_joint_and_add_what_is_new():
    said = Violation(Reason.TRACKING, 1, 0.4, 0.2)
    first, again = verdict_of((said,)), said._replace(value=0.9)
    elsewhere, other = said._replace(joint=0), Violation(Reason.TEMPERATURE, 1, 80.0, 75.0)
    both = joined(first, verdict_of((again, elsewhere, other)))
    assert both.violations == (said, elsewhere, other)
    assert both.reasons == Reason.TRACKING | Reason.TEMPERATURE


def test_without_a_limit_an_operator_may_be_silent_but_not_from_the_future():
    assert watching().check(readings(), NOW, 0, operator_alive_ns=0) is ALL_WELL
    assert watching().check(readings(), NOW, 0, operator_alive_ns=NOW + 1).reasons == Reason.OPERATOR_LOST


# --- buses

FOUR = RobotSpec(name="four", joints=tuple(ARM.model_copy(update={"name": name}) for name in "abcd"), safety=ENVELOPE)


def judge_buses(*buses: int, silent: tuple[int, ...], ages=None):
    joints = tuple(JointSettings(bus=bus) for bus in buses)
    safety = Safety(FOUR, SafetySettings(envelope=ENVELOPE, joints=joints, buses=("front", "rear")), PERIOD)
    state = JointState.empty(4)
    for values in (state.position, state.velocity, state.effort):
        values[:] = 0.0
    state.temperature[:], state.voltage[:] = 30.0, 12.0
    state.fresh[:], state.stamp_ns[:], state.health_stamp_ns[:] = True, NOW, NOW
    safety.begin(state, NOW)
    for joint in silent:
        state.fresh[joint] = False
        state.stamp_ns[joint] = NOW - (ages or {}).get(joint, 300) * MS
    verdict = safety.check(state, NOW, 0)
    lost = (Reason.COMMUNICATION_LOSS, Reason.BUS_LOSS)
    return [(each.reason, each.joint, round(each.value, 3)) for each in verdict.violations if each.reason in lost]


def test_a_silent_bus_is_one_loss_with_the_longest_silence():
    assert judge_buses(0, 1, 0, 1, silent=(1, 3), ages={1: 300, 3: 400}) == [(Reason.BUS_LOSS, 1, 0.4)]
    assert judge_buses(0, 1, 0, 1, silent=(0, 2)) == [(Reason.BUS_LOSS, 0, 0.3)]


def test_joints_of_a_bus_of_which_others_answer_are_lost_one_by_one():
    assert judge_buses(0, 0, 0, 1, silent=(0, 2)) == [
        (Reason.COMMUNICATION_LOSS, 0, 0.3),
        (Reason.COMMUNICATION_LOSS, 2, 0.3),
    ]


def test_the_only_joint_of_a_bus_is_named_itself():
    assert judge_buses(0, 0, 0, 1, silent=(3,)) == [(Reason.COMMUNICATION_LOSS, 3, 0.3)]


def test_all_buses_silent_are_all_named():
    assert judge_buses(0, 0, 1, 1, silent=(0, 1, 2, 3)) == [(Reason.BUS_LOSS, 0, 0.3), (Reason.BUS_LOSS, 1, 0.3)]


def test_a_silent_bus_leaves_the_other_violations_of_its_joints():
    joints = (JointSettings(), JointSettings())
    safety = Safety(ROBOT, SafetySettings(envelope=ENVELOPE, joints=joints), PERIOD)
    safety.begin(readings(), NOW)
    state = readings(temperature=99.0)
    state.stamp_ns[:] = NOW - 300 * MS
    reasons = [violation.reason for violation in safety.check(state, NOW, 0).violations]
    assert reasons.count(Reason.TEMPERATURE) == 1
    assert reasons.count(Reason.BUS_LOSS) == 1
    assert Reason.COMMUNICATION_LOSS not in reasons


# --- what else a verdict may be about


def test_with_a_limit_of_tilt_the_robot_s_imus_are_watched_whatever_the_policy_observes():
    robot = ROBOT.model_copy(update={"imus": (TRUNK,)})
    safety = Safety(robot, replace(SETTINGS, tilt_max=1.0), PERIOD)
    safety.begin(readings(), NOW)
    assert safety.check(readings(), NOW, 0, imu_readings()) is ALL_WELL
    assert safety.check(readings(), NOW, 0, None).reasons == Reason.IMU_STALE
    fallen = imu_readings(orientation=[0.5**0.5, 0.5**0.5, 0.0, 0.0])
    verdict = safety.check(readings(), NOW, 0, fallen)
    assert (verdict.level, verdict.reasons) == (Level.FAULT, Reason.TILT)
    assert Safety(robot, SETTINGS, PERIOD).check(readings(), NOW, 0, None).reasons & Reason.IMU_STALE == 0


@pytest.mark.parametrize(("setting", "level"), [("count", Level.OK), ("damp", Level.DAMP), ("fault", Level.FAULT)])
def test_observations_outside_their_range_are_what_the_yaml_makes_of_them(setting, level):
    term = ObservationTermSpec(
        term="joint_position", width=2, scale=1.0, clip=None, history=1, low=(-1.0, -1.0), high=(1.0, 1.0)
    )
    safety = Safety(ROBOT, replace(SETTINGS, observation_range=setting), PERIOD, observation=(term,))
    assert safety.check_observation(np.array([1.0, -1.0], np.float32)) is ALL_WELL
    verdict = safety.check_observation(np.array([1.0, -1.5], np.float32))
    assert verdict == (level, Reason.OBSERVATION_RANGE, (Violation(Reason.OBSERVATION_RANGE, 0, -1.5, -1.0),))


def test_observations_of_a_contract_without_ranges_are_not_looked_at():
    assert watching().check_observation(np.full(3, np.nan, np.float32)) is ALL_WELL


def test_the_reaction_is_that_of_the_yaml():
    safety = Safety(ROBOT, replace(SETTINGS, on_fault={Reason.TEMPERATURE: "hold"}), PERIOD)
    assert safety.reaction(judge(readings(temperature=99.0))) == "hold"
    assert safety.reaction(judge(readings(voltage=99.0))) == "off"


def test_a_joint_far_from_its_target_is_seen_with_the_target_that_was_sent():
    joints = (JointSettings(), JointSettings(tracking_error_max=0.2))
    run = Run(SafetySettings(envelope=ENVELOPE, joints=joints, tracking_time=0.1))
    for _ in range(40):
        verdict = run.tick()
        if verdict.level is Level.FAULT:
            break
        run.safety.limit(command(position=0.5), readings())
    assert verdict.violations == (Violation(Reason.TRACKING, 1, pytest.approx(0.395, abs=0.006), 0.2),)


def test_readings_that_are_not_plausible_are_not_followed():
    joints = (JointSettings(stall_effort=0.2, effort_continuous=0.1),) * 2
    run = Run(SafetySettings(envelope=ENVELOPE, joints=joints, tracking_time=0.05))
    for _ in range(30):
        assert run.tick(effort=math.nan).reasons == Reason.NOT_FINITE
    assert run.tick() is ALL_WELL
    reasons = [run.tick(effort=0.5).reasons for _ in range(7)]
    assert reasons[4:] == [Reason(0), Reason.STALLED, Reason.STALLED]
    both = run.tick(effort=0.5, temperature=99.0)
    assert both.reasons == Reason.STALLED | Reason.TEMPERATURE


def test_begin_is_where_joints_are_watched_from():
    run = Run(SafetySettings(envelope=ENVELOPE, joints=(JointSettings(stall_effort=0.2),) * 2, tracking_time=0.05))
    run.tick(5, effort=0.5)
    state = readings()
    state.stamp_ns[:] = run.now
    run.safety.begin(state, run.now)
    assert run.tick(5, effort=0.5) is ALL_WELL


# --- reactions


def test_holding_keeps_every_joint_where_it_was_when_it_began():
    safety, made = watching(), command(position=1.0, velocity=2.0, effort=0.4, stiffness=0.5, damping=0.1)
    assert safety.check(readings(), NOW, 0) is ALL_WELL
    for sag in (0.0, 0.1, 0.2):
        state = readings(velocity=1.0)
        state.position -= sag
        assert not safety.react("hold", made, state).any()
        assert made.position.tolist() == [0.1, 0.1]
        assert made.velocity.tolist() == [0.0, 0.0]
        assert made.effort.tolist() == pytest.approx([1.0 * sag - 0.15, 0.0])
        assert made.stiffness.tolist() == [0.0, HEAD.stiffness]
        assert made.damping.tolist() == [0.0, HEAD.damping]
    assert safety.requested.position.tolist() == [0.1, 0.1]


def test_holding_begins_again_after_anything_else():
    safety, made, usable = limits(), command(), np.ones(2, np.bool_)
    safety.hold(made, readings(), usable)
    moved = readings()
    moved.position[:] = 0.15
    safety.damp(made, moved, usable)
    assert made.position[1] == 0.15
    moved.position[:] = 0.12
    safety.hold(made, moved, usable)
    assert made.position.tolist() == [0.12, 0.12]
    moved.position[:] = 0.1
    safety.limit(command(position=0.1), moved)
    safety.hold(made, moved, usable)
    assert made.position[1] == pytest.approx(0.1)
    safety.limp(made, moved)
    moved.position[:] = 0.13
    safety.hold(made, moved, usable)
    assert made.position[1] == 0.13
    guard = limits()
    guard.hold(made, readings(), usable)
    guard.begin(moved)
    guard.hold(made, moved, usable)
    assert made.position[1] == 0.13


def test_holding_pushes_no_harder_than_the_joint_may_and_not_on_old_readings():
    safety, made = limits(), command()
    safety.hold(made, readings(), np.ones(2, np.bool_))
    safety.hold(made, readings(position=-1.9), np.ones(2, np.bool_))
    assert made.effort[0] == ARM.effort_max
    safety.hold(made, readings(position=-1.9), np.zeros(2, np.bool_))
    assert made.effort.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("reaction", ["limp", "off"])
def test_limp_is_no_effort_and_no_gain(reaction):
    safety, made = watching(), command(position=1.0, velocity=2.0, effort=0.4, stiffness=0.5, damping=0.1)
    safety.check(readings(), NOW, 0)
    state = readings()
    state.position[:] = 0.15
    safety.react(reaction, made, state)
    for values in (made.velocity, made.effort, made.stiffness, made.damping):
        assert values.tolist() == [0.0, 0.0]
    assert made.position[1] == 0.15
    state.position[:] = math.nan
    safety.react(reaction, made, state)
    assert made.position[1] == 0.15
    assert safety.requested.position[1] == 0.15


def test_a_reaction_without_a_command_is_no_other_reaction():
    # A new one was limp until somebody wrote its command.
    safety = watching()
    safety.check(readings(), NOW, 0)
    with pytest.raises(AssertionError, match="crawl"):
        safety.react("crawl", command(), readings())


def test_a_joint_in_position_mode_gives_way_no_faster_than_its_target_may_move():
    safety, made = limits(), command()
    state = readings()
    state.position[1] = 1.4
    safety.limp(made, state)
    assert made.position[1] == pytest.approx(0.1 + 9.0 * PERIOD)


@given(
    st.lists(near, min_size=4, max_size=4),
    st.lists(near, min_size=2, max_size=2),
    st.lists(st.booleans(), min_size=2, max_size=2),
    st.lists(st.sampled_from(["hold", "damp", "limp"]), min_size=1, max_size=4),
)
def test_every_reaction_is_finite_and_inside_the_limits(measured, start, usable, reactions):
    guard, made, state = limits(start), command(), readings()
    state.position[:], state.velocity[:] = measured[:2], measured[2:]
    for reaction in reactions:
        if reaction == "limp":
            guard.limp(made, state)
        else:
            getattr(guard, reaction)(made, state, np.array(usable))
        assert_inside(made)


# --- heat


def hot(share: float, *, joints=ROBOT) -> CommandLimits:
    """Limits of joints that may have a share of their effort."""
    settings = replace(SETTINGS, temperature_derating=60.0)
    made, state = CommandLimits(joints, settings, PERIOD), readings()
    made.begin(state)
    state.temperature[:] = 70.0 - 10.0 * share
    made.budget.update(state, np.zeros(2))
    return made


def test_a_hot_joint_s_effort_is_cut_to_what_heat_leaves():
    made = command(position=0.1)
    for effort, allowed, bits in (
        (0.2, 0.2, 0),
        (0.25, 0.25, 0),
        (0.3, 0.25, Intervention.DERATING),
        (-0.3, -0.25, Intervention.DERATING),
        (0.6, 0.25, Intervention.EFFORT | Intervention.DERATING),
    ):
        made.effort[0] = effort
        assert hot(0.5).limit(made, readings())[0] == bits
        assert made.effort[0] == pytest.approx(allowed)


def test_a_hot_servo_s_target_is_kept_so_close_that_it_causes_no_more_effort():
    made = command(position=0.1)
    for wanted, allowed, bits in ((0.14, 0.14, 0), (0.19, 0.15, Intervention.DERATING), (0.02, 0.05, 1024)):
        made.position[1] = wanted
        assert hot(0.1).limit(made, readings())[1] == bits
        assert made.position[1] == pytest.approx(allowed)
    made.position[1] = 0.19
    unknown = readings()
    unknown.position[1] = math.nan
    hot(0.1).limit(made, unknown)
    assert made.position[1] == pytest.approx(0.19)


def test_a_target_that_heat_and_speed_are_in_the_way_of_has_both_reasons():
    guard, made, state = hot(0.1), command(position=0.1), readings()
    state.position[1] = 0.4
    made.position[1] = 1.0
    assert guard.limit(made, state)[1] == Intervention.DERATING | Intervention.POSITION_STEP
    assert made.position[1] == pytest.approx(0.19)


def test_a_hot_joint_is_damped_and_held_with_what_heat_leaves():
    state, usable = readings(velocity=5.0), np.ones(2, np.bool_)
    made = command()
    hot(0.2).damp(made, state, usable)
    assert made.effort[0] == pytest.approx(-0.1)
    guard = hot(0.02)
    guard.hold(made, readings(), usable)
    state = readings(position=-0.3)
    state.position[1] = 0.05
    guard.hold(made, state, usable)
    assert made.effort[0] == pytest.approx(0.01)
    assert made.position[1] == pytest.approx(0.06)
    guard = hot(0.02)
    guard.damp(made, readings(), usable)
    guard.damp(made, state, usable)
    assert made.position[1] == pytest.approx(0.06)


def test_a_joint_without_stiffness_cannot_be_derated_by_its_target():
    loose = RobotSpec(name="two", joints=(ARM, HEAD.model_copy(update={"stiffness": 0.0})), safety=ENVELOPE)
    made = command(position=0.1)
    made.position[1] = 0.19
    assert not hot(0.1, joints=loose).limit(made, readings()).any()


def test_only_the_hot_joint_is_derated():
    settings, made, state = replace(SETTINGS, temperature_derating=60.0), command(position=0.15, effort=0.4), readings()
    guard = CommandLimits(ROBOT, settings, PERIOD)
    guard.begin(state)
    state.temperature[0] = 69.0
    guard.budget.update(state, np.zeros(2))
    assert guard.limit(made, readings()).tolist() == [Intervention.DERATING, 0]
    assert made.effort.tolist() == [pytest.approx(0.05), 0.4]
    assert made.position[1] == 0.15


def test_heat_is_taken_from_the_readings_that_are_checked():
    run = Run(replace(SETTINGS, temperature_derating=60.0))
    made = command(position=0.1)
    made.effort[0] = 0.4
    assert not run.safety.limit(made, readings()).any()
    run.tick(temperature=65.0)
    assert run.safety.limit(made, readings())[0] == Intervention.DERATING
    assert made.effort[0] == pytest.approx(0.25)


def test_at_the_highest_temperature_a_guard_pushes_no_more_either():
    assert effort_bounds(ARM, 2.4, 0.0, effort_max=0.1)[:2] == (-0.1, -0.1)
    assert effort_bounds(ARM, -2.4, 0.0, effort_max=0.1)[:2] == (0.1, 0.1)
    assert effort_bounds(ARM, 0.0, 0.0, effort_max=0.1) == (-0.1, 0.1, 0)
    made = command(position=0.1)
    hot(0.0).limit(made, readings(position=2.4))
    assert made.effort[0] == 0.0


def test_a_joint_with_a_limit_of_jerk_is_told_while_it_lags_and_not_when_it_has_arrived():
    smooth = JointSettings(acceleration_max=40.0, jerk_max=400.0)
    guard = CommandLimits(ROBOT, replace(SETTINGS, joints=(smooth, smooth)), PERIOD)
    guard.begin(readings())
    seen = []
    for _ in range(200):
        made = command(position=0.1 + 1 / 3)
        seen.append(Intervention(int(guard.limit(made, readings())[1])))
    assert made.position[1] == pytest.approx(0.1 + 1 / 3, abs=1e-12)
    assert seen[0] is Intervention.POSITION_STEP
    assert Intervention.POSITION_JERK in seen
    assert not any(seen[-50:])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_step_that_rounding_alone_makes_too_long_is_cut_and_not_told(sign):
    longest = 0.1 + sign * 9.0 * PERIOD
    for beyond, told in ((1e-12, False), (9e-10, False), (1.1e-9, True)):
        made = command(position=0.1)
        made.position[1] = longest + sign * beyond
        bits = limits().limit(made, readings())
        assert made.position[1] == longest
        assert bits[1] == (Intervention.POSITION_STEP if told else 0)


def test_another_policy_brings_its_own_ranges():
    term = ObservationTermSpec(
        term="joint_position", width=1, scale=1.0, clip=None, history=1, low=(-1.0,), high=(1.0,)
    )
    safety, far = watching(), np.array([2.0], np.float32)
    assert safety.check_observation(far) is ALL_WELL
    safety.see((term,))
    assert safety.check_observation(far).reasons == Reason.OBSERVATION_RANGE
    safety.see(())
    assert safety.check_observation(far) is ALL_WELL
