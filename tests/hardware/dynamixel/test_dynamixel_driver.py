"""Laws of the Dynamixel driver with scripted motors."""

import math

import numpy as np
import pytest
from fastcrc.crc16 import umts
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_motors import PIVOT, Bench, faithful, joints

from sim2real.hardware.dynamixel.frame import Instruction, encode_status
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.types import JointCommand, JointState, MotorFault

STALL = PIVOT.motor.nominal.stall_torque

COUNT = math.tau / 4096
FAST, SYNC = 46, 45


def bench(count=3, firmware=FAST, **changes):
    return Bench(joints(count, **changes), firmware).opened()


def read(made, state=None):
    state = JointState.empty(len(made.motors)) if state is None else state
    made.driver.read(state)
    return state


def command(count, **targets):
    made = JointCommand.zeros(count)
    for name, values in targets.items():
        getattr(made, name)[:] = values
    return made


def past_health(made):
    """Run the exchange with voltage and temperature, so that the following ones read only motion."""
    read(made)
    made.bus.written.clear()


# Opening


def test_open_writes_only_differing_settings_and_reports_them():
    made = bench(1)
    motor = made.motors[0]
    assert (motor.get("return_delay_time"), motor.get("operating_mode"), motor.get("torque_enable")) == (0, 0, 0)
    # 0.5 N·m at 4.1 N·m / 2.3 A and 2.69 mA
    assert motor.get("current_limit") == math.floor(0.5 / (4.1 / 2.3 * 0.00269))
    assert [notice.split(": ")[1] for notice in made.driver.notices] == [
        "return delay time set from 250 to 0",
        "operating mode set from 3 to 0",
        "current limit set from 1193 to 104",
    ]
    again = Bench(joints(1))
    again.motors[0].memory[:] = motor.memory
    again.driver.open()
    assert again.driver.notices == []
    eeprom = [frame for frame in again.bus.written if frame[7] == Instruction.WRITE and frame[8] < 64]
    assert eeprom == []


def test_open_lists_all_motors_that_are_missing():
    made = Bench(joints(3))
    made.motors[0].silent = made.motors[2].silent = True
    made.motors[1].set("torque_enable", 1)
    with pytest.raises(HardwareError, match=r"no answer at 1000000 baud from motor 1 \(joint 'a'\), 3 \(joint 'c'\)"):
        made.driver.open()
    assert made.motors[1].get("torque_enable") == 0, "a crashed run left torque on"


def test_open_finds_the_baud_rate_at_which_a_motor_answers():
    made = Bench(joints(1))
    made.bus.motors_baudrate = 57_600
    with pytest.raises(HardwareError, match="motor 1 answers at 57600 baud"):
        made.driver.open()
    assert made.bus.baudrate == 1_000_000


def test_open_names_the_wrong_model_and_the_configured_one():
    made = Bench(joints(1))
    made.motors[0].set("model_number", 1030)
    with pytest.raises(HardwareError, match=r"XM430-W210 \(1030\), but xm430_w350 is configured, XM430-W350 \(1020\)"):
        made.driver.open()


def test_open_refuses_a_latched_hardware_error_with_advice():
    made = Bench(joints(2))
    made.motors[1].set("hardware_error_status", 0x24)
    made.motors[1].alert = True
    made.motors[0].set("torque_enable", 1)
    with pytest.raises(HardwareError, match=r"'b' \(motor 2\): hardware error overheating, overload .*reboot"):
        made.driver.open()
    assert made.motors[0].get("torque_enable") == 0


def test_open_resets_a_reversed_direction_and_an_expired_watchdog():
    made = Bench(joints(1))
    made.motors[0].set("drive_mode", 1)
    made.motors[0].set("bus_watchdog", -1)
    made.motors[0].set("status_return_level", 1)
    made.driver.open()
    motor = made.motors[0]
    assert (motor.get("drive_mode"), motor.get("bus_watchdog"), motor.get("status_return_level")) == (0, 0, 2)
    assert any("drive mode set from 1 to 0" in notice for notice in made.driver.notices)
    assert any("bus watchdog that had expired" in notice for notice in made.driver.notices)


def test_open_refuses_a_motor_that_ignores_a_setting():
    made = Bench(joints(1))
    made.motors[0].ignore.add("operating_mode")
    with pytest.raises(HardwareError, match="operating_mode is still 3 after writing 0"):
        made.driver.open()


def test_old_firmware_is_read_with_sync_read():
    assert bench(firmware=FAST).driver.fast_sync_read
    made = bench(firmware=SYNC)
    assert not made.driver.fast_sync_read
    assert made.driver.firmware == {"a": SYNC, "b": SYNC, "c": SYNC}


@pytest.mark.parametrize(
    ("limits", "mode"),
    [((1.0, 5.0), 3), ((-5.0, -1.5), 3), ((0.1, 6.0), 4), ((-1.0, 1.0), 4), ((-10.0, 10.0), 4)],
    ids=["a turn", "a turn below", "the margin leaves it", "below zero", "turns"],
)
def test_position_limits_choose_the_operating_mode(limits, mode):
    made = bench(1, mode="position", position_limits=limits, effort_limit=STALL)
    assert made.motors[0].get("operating_mode") == mode


def test_position_mode_with_an_effort_limit_limits_the_current():
    made = bench(1, mode="position", position_limits=(1.0, 5.0), effort_limit=0.5)
    motor = made.motors[0]
    motor.set("present_position", 2048)
    assert motor.get("operating_mode") == 5
    made.driver.enable()
    bound = math.floor(0.5 / (STALL / 2.3 * 0.00269))
    assert motor.get("current_limit") == motor.get("goal_current") == bound
    assert motor.get("goal_position") == motor.get("present_position")


def test_firmware_without_a_watchdog_is_refused():
    with pytest.raises(HardwareError, match="firmware 37 has no bus watchdog"):
        bench(1, firmware=37)


def test_narrower_position_limits_in_the_motor_are_reported_and_kept():
    made = Bench(joints(1, mode="position", position_limits=(1.0, 5.0), effort_limit=STALL))
    made.motors[0].set("max_position_limit", 1000)
    made.driver.open()
    assert any("narrower" in notice for notice in made.driver.notices)
    made.driver.write(command(1, position=5.0))
    assert made.motors[0].get("goal_position") == 1000


def test_nothing_works_before_open():
    made = Bench(joints(1))
    for act in (lambda: read(made), made.driver.enable, lambda: made.driver.write(command(1))):
        with pytest.raises(HardwareError, match="not open"):
            act()


# Reading


@pytest.mark.parametrize("firmware", [FAST, SYNC])
def test_readings_are_in_joint_units_signs_and_zeros(firmware):
    configs = joints(2)
    configs["b"] = configs["b"].model_copy(update={"direction": -1, "zero": 0.5})
    made = Bench(configs, firmware).opened()
    for motor in made.motors:
        motor.set("present_position", -5000)
        motor.set("present_velocity", 100)
        motor.set("present_current", 40)
    state = read(made)
    np.testing.assert_allclose(state.position, [-5000 * COUNT, 5000 * COUNT + 0.5])
    np.testing.assert_allclose(state.velocity, [100 * 0.229 * math.tau / 60, -100 * 0.229 * math.tau / 60])
    torque = 40 * 0.00269 * 4.1 / 2.3
    np.testing.assert_allclose(state.effort, [torque, -torque])
    np.testing.assert_allclose(state.voltage, 12.0)
    np.testing.assert_allclose(state.temperature, 30.0)
    assert state.fresh.all()
    assert (state.stamp_ns == made.clock.now_ns()).all() or (state.stamp_ns > 0).all()
    assert made.driver.counters.reads == 1
    assert made.driver.counters.timeouts == made.driver.counters.corrupt == made.driver.counters.unexpected == 0


@pytest.mark.parametrize("firmware", [FAST, SYNC])
def test_one_request_per_tick_and_health_a_few_times_per_second(firmware):
    made = bench(3, firmware)
    made.bus.written.clear()
    lengths = []
    for tick in range(100):
        before = len(made.bus.written)
        for motor in made.motors:
            motor.set("realtime_tick", made.clock.now_ns() // 1_000_000)
        read(made)
        frames = made.bus.written[before:]
        lengths.append(frames[0][10])
        # The exchange with voltage and temperature is followed by the status read of one motor.
        assert len(frames) == (2 if frames[0][10] == 27 else 1)
        made.clock.sleep_until_ns((tick + 1) * 10_000_000 + 100_000_000)
    assert lengths.count(27) in (9, 10)
    assert set(lengths) == {10, 27}


@pytest.mark.parametrize("firmware", [FAST, SYNC])
def test_current_minus_one_before_a_velocity_of_fd_is_read(firmware):
    # The reply is stuffed (sync) or contains FF FF FD (fast sync): 3 to 8 % of the reads on one real robot.
    made = bench(3, firmware)
    past_health(made)
    for motor in made.motors:
        motor.set("present_current", -1)
        motor.set("present_velocity", 0xFD)
    state = read(made)
    assert state.fresh.all()
    np.testing.assert_allclose(state.velocity, 0xFD * 0.229 * math.tau / 60)
    assert made.driver.counters.timeouts == made.driver.counters.corrupt == 0


@pytest.mark.parametrize("firmware", [FAST, SYNC])
def test_a_silent_motor_keeps_its_values_and_is_not_fresh(firmware):
    made = bench(3, firmware)
    state = read(made)
    before = state.position[2], state.stamp_ns[2]
    made.motors[2].silent = True
    for motor in made.motors:
        motor.set("present_position", 1000)
    started_ns = made.clock.now_ns()
    read(made, state)
    assert state.fresh.tolist() == [True, True, False]
    np.testing.assert_allclose(state.position[:2], 1000 * COUNT)
    assert (state.position[2], state.stamp_ns[2]) == before
    assert made.clock.now_ns() - started_ns < 15_000_000, "bounded"
    assert made.driver.counters.timeouts == 1
    assert made.driver.counters.by_joint == {"a": 0, "b": 0, "c": 1}
    made.motors[2].silent = False
    assert read(made, state).fresh.all()


def test_a_damaged_reply_costs_one_reading_and_no_wait():
    made = bench(3, SYNC)
    past_health(made)

    def damage_second(_, frame):
        return [(0, frame[:9] + bytes((frame[9] ^ 1,)) + frame[10:])] if frame[4] == 2 else [(0, frame)]

    made.bus.mangle = damage_second
    started_ns = made.clock.now_ns()
    state = read(made)
    assert state.fresh.tolist() == [True, False, True]
    assert (made.driver.counters.corrupt, made.driver.counters.timeouts) == (1, 0)
    assert made.clock.now_ns() - started_ns < 2_000_000


def test_damage_in_a_fast_reply_costs_the_readings_after_it():
    made = bench(3, FAST)
    past_health(made)
    made.bus.mangle = lambda _, frame: [(0, frame[:24] + bytes((frame[24] ^ 1,)) + frame[25:])]
    state = read(made)
    assert state.fresh.tolist() == [True, False, False]
    assert (made.driver.counters.corrupt, made.driver.counters.timeouts) == (2, 0)


def test_damage_that_later_motors_received_too_is_found_by_the_first_crc():
    # Every later cumulative CRC is right; dynamixel-sdk checks only the last one and would accept the value.
    made = bench(2, FAST)
    past_health(made)

    def damage(_, frame):
        made_up = bytearray(frame)
        made_up[12] ^= 1
        made_up[-2:] = umts(bytes(made_up[:-2])).to_bytes(2, "little")
        return [(0, bytes(made_up))]

    made.bus.mangle = damage
    assert read(made).fresh.tolist() == [False, False]


@pytest.mark.parametrize("firmware", [FAST, SYNC])
def test_a_late_reply_is_never_mistaken_for_the_next(firmware):
    made = bench(1, firmware)
    past_health(made)
    motor = made.motors[0]
    motor.set("present_position", 111)
    made.bus.mangle = lambda _, frame: [(8_000_000, frame)]  # arrives during the next exchange
    state = read(made)
    assert not state.fresh[0]
    motor.set("present_position", 222)
    made.bus.mangle = lambda _, frame: [(5_000_000, frame)]
    read(made, state)
    assert state.fresh[0]
    assert state.position[0] == pytest.approx(222 * COUNT)
    assert made.driver.counters.unexpected == 1
    assert made.driver.counters.timeouts == 1


@pytest.mark.parametrize("firmware", [FAST, SYNC])
def test_a_reply_between_two_requests_is_counted_and_dropped(firmware):
    made = bench(1, firmware)
    past_health(made)
    made.motors[0].set("present_position", 111)
    made.bus.mangle = lambda _, frame: [(8_000_000, frame)]
    state = read(made)
    made.clock.sleep_until_ns(made.clock.now_ns() + 10_000_000)
    made.motors[0].set("present_position", 222)
    made.bus.mangle = faithful
    read(made, state)
    assert state.position[0] == pytest.approx(222 * COUNT)
    assert made.driver.counters.unexpected == 1


def test_replies_of_other_motors_and_duplicates_are_unexpected():
    made = bench(2, SYNC)
    past_health(made)
    stranger = encode_status(9, 0, bytes(10))
    made.bus.mangle = lambda _, frame: [(0, stranger + frame + frame)] if frame[4] == 1 else [(0, frame)]
    assert read(made).fresh.all()
    assert made.driver.counters.unexpected == 2


def test_the_echo_of_an_adapter_is_not_a_reply():
    made = bench(2, SYNC)
    past_health(made)
    original = made.bus.write

    def echoing(data):
        original(data)
        coming = made.bus.coming
        coming[:] = [(coming[0][0] - 1, -1, bytes(data)), *coming]

    made.bus.write = echoing
    assert read(made).fresh.all()
    assert made.driver.counters.unexpected == 0


def test_a_refused_read_is_not_a_reading():
    made = bench(2, SYNC)
    past_health(made)
    made.bus.mangle = lambda _, frame: [(0, encode_status(2, 7, frame[9:19]))] if frame[4] == 2 else [(0, frame)]
    assert read(made).fresh.tolist() == [True, False]


def test_a_line_that_never_goes_quiet_does_not_block_the_tick():
    made = bench(1, SYNC)
    past_health(made)
    made.bus.mangle = lambda _, frame: [(index * 1000, b"\xff\xff\xfd\x00" * 8) for index in range(5000)]
    started_ns = made.clock.now_ns()
    assert not read(made).fresh.any()
    assert made.clock.now_ns() - started_ns < 20_000_000


def corruption(generator):
    """Return a function that corrupts replies: flips, cuts, inserts, doubles, drops bytes, delays up to 2 ticks."""

    def mangle(_, frame):
        at = generator.randrange(len(frame))
        flipped = frame[at] ^ 1 << generator.randrange(8)
        damaged = generator.choice(
            (
                frame,
                frame[:at] + bytes((flipped,)) + frame[at + 1 :],
                frame[:at],
                frame[:at] + generator.randbytes(generator.randrange(1, 9)) + frame[at:],
                frame + frame,
                frame[:at] + frame[at + 1 :],
            )
        )
        return [(generator.choice((0, 0, 3_000_000, 7_000_000, 12_000_000)), damaged)]

    return mangle


@pytest.mark.parametrize("firmware", [FAST, SYNC])
@given(data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_no_corruption_yields_a_value_that_was_not_sent(firmware, data):
    made = bench(3, firmware)
    past_health(made)
    state = JointState.empty(3)
    made.bus.mangle = corruption(data.draw(st.randoms(use_true_random=False)))
    for tick in range(1, 12):
        for index, motor in enumerate(made.motors):
            motor.set("present_position", 1000 * tick + index)
        read(made, state)
        for index in range(3):
            if state.fresh[index]:
                assert state.position[index] == pytest.approx((1000 * tick + index) * COUNT)


def test_a_lost_port_is_an_error():
    made = bench(1)
    state = read(made)
    made.bus.lost = True
    with pytest.raises(PortLostError):
        read(made, state)
    assert not state.fresh.any()
    with pytest.raises(PortLostError):
        made.driver.write(command(1))
    with pytest.raises(HardwareError):
        made.driver.disable()
    made.driver.close()
    made.driver.close()
    assert made.bus.closed


# Faults


@pytest.mark.parametrize("firmware", [FAST, SYNC])
def test_an_alert_triggers_a_status_read(firmware):
    made = bench(3, firmware)
    state = read(made)
    assert state.faults.tolist() == [0, 0, 0]
    made.motors[1].alert = True
    made.motors[1].set("hardware_error_status", 0x20)
    read(made, state)
    assert state.fresh.all(), "data that come with an alert are good"
    assert state.faults.tolist() == [0, MotorFault.OVERLOAD, 0]
    made.motors[1].alert = False
    made.motors[1].set("hardware_error_status", 0)
    for _ in range(4):
        made.clock.sleep_until_ns(made.clock.now_ns() + 300_000_000)
        read(made, state)
    assert state.faults.tolist() == [0, 0, 0]


def test_an_expired_watchdog_shows_in_the_first_reads_after_a_gap():
    made = bench(2)
    made.driver.enable()
    state = read(made)
    read(made, state)
    made.clock.sleep_until_ns(made.clock.now_ns() + 120_000_000)
    for motor in made.motors:
        motor.set("bus_watchdog", -1)
    for _ in made.motors:
        read(made, state)
    assert state.faults.tolist() == [MotorFault.WATCHDOG] * 2


def test_a_motor_that_restarted_is_a_fault():
    made = bench(1)
    made.driver.enable()
    made.motors[0].set("torque_enable", 0)
    made.clock.sleep_until_ns(made.clock.now_ns() + 300_000_000)
    assert read(made).faults.tolist() == [MotorFault.RESTARTED]


def test_an_alert_is_a_fault_before_its_status_is_read():
    made = bench(4)
    past_health(made)
    for motor in made.motors:
        motor.alert = True
        motor.set("hardware_error_status", 0x04)
    state = read(made)
    assert state.faults.tolist() == [MotorFault.OVERHEATING] * 3 + [MotorFault.OTHER]
    read(made, state)
    assert state.faults.tolist() == [MotorFault.OVERHEATING] * 4


# Writing


def test_efforts_become_currents_within_the_joints_limit():
    configs = joints(3)
    configs["b"] = configs["b"].model_copy(update={"direction": -1})
    made = Bench(configs).opened()
    made.bus.written.clear()
    made.driver.write(command(3, effort=[0.2, 0.2, 99.0]))
    units = round(0.2 / (4.1 / 2.3 * 0.00269))
    assert [motor.get("goal_current") for motor in made.motors] == [units, -units, 104]
    assert len(made.bus.written) == 1
    assert made.driver.counters.writes == 1


def test_positions_become_counts():
    made = bench(2, mode="position", position_limits=(-30.0, 30.0), direction=-1, zero=math.pi)
    made.driver.write(command(2, position=[0.0, 1.0]))
    assert [motor.get("goal_position") for motor in made.motors] == [2048, round((math.pi - 1.0) / COUNT)]
    made.driver.write(command(2, position=[-1e9, 1e9]))
    assert [motor.get("goal_position") for motor in made.motors] == [1_048_575, -1_048_575]


def test_joints_of_both_modes_share_one_frame():
    configs = joints(3)
    configs["b"] = configs["b"].model_copy(update={"mode": "position"})
    made = Bench(configs).opened()
    made.bus.written.clear()
    made.driver.write(command(3, effort=[0.1, 0.1, -0.1], position=[9.0, 1.0, 9.0]))
    assert len(made.bus.written) == 1
    assert made.motors[0].get("goal_current") == -made.motors[2].get("goal_current") == 21
    assert made.motors[1].get("goal_position") == round(1.0 / COUNT)
    assert made.motors[1].get("goal_current") == 0


def test_goals_that_look_like_a_header_are_stuffed():
    made = bench(2, mode="position", position_limits=(-1500.0, 1500.0))
    made.bus.written.clear()
    target = int.from_bytes(b"\xff\xff\xfd\xff", "little", signed=True)  # -131073
    made.driver.write(command(2, position=[target * COUNT, 0.0]))
    assert made.motors[0].get("goal_position") == target
    assert b"\xff\xff\xfd\xfd" in made.bus.written[0]
    made.driver.write(command(2, position=[0.5, 0.0]))
    assert made.motors[0].get("goal_position") == round(0.5 / COUNT)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["position", "velocity", "effort", "stiffness", "damping"])
def test_a_target_that_is_not_finite_is_not_sent(name, bad):
    made = bench(2)
    made.bus.written.clear()
    with pytest.raises(ValueError, match="not finite"):
        made.driver.write(command(2, **{name: [0.0, bad]}))
    assert made.bus.written == []


# Torque


def test_enable_sets_goals_first_then_watchdogs_then_torque():
    made = bench(2)
    for motor in made.motors:
        motor.set("goal_current", 77)
    made.bus.written.clear()
    made.driver.enable()
    writes = [(frame[4], frame[8]) for frame in made.bus.written if frame[7] == Instruction.WRITE]
    goals = [writes.index((motor, 102)) for motor in (1, 2)]
    torque = [writes.index((motor, 64)) for motor in (1, 2)]
    assert max(goals) < min(torque)
    for motor in made.motors:
        assert motor.get("goal_current") == 0
        assert motor.get("bus_watchdog") == 5  # 100 ms
        assert motor.get("torque_enable") == 1


def test_enable_holds_a_position_joint_at_its_position():
    made = bench(1, mode="position", position_limits=(-10.0, 10.0))
    made.motors[0].set("present_position", -1234)
    made.driver.enable()
    assert made.motors[0].get("goal_position") == -1234


def test_enable_refuses_a_joint_outside_its_goal_range():
    made = bench(1, mode="position", position_limits=(1.0, 5.0), effort_limit=STALL)
    made.motors[0].set("present_position", 4000)
    with pytest.raises(HardwareError, match="outside"):
        made.driver.enable()


@pytest.mark.parametrize("register", ["torque_enable", "bus_watchdog", "goal_current"])
def test_a_motor_that_refuses_switches_torque_off_on_all(register):
    made = bench(3)
    made.motors[1].refuse[register] = 7
    with pytest.raises(HardwareError, match=rf"joint 'b' \(motor 2\), {register} = .*access error"):
        made.driver.enable()
    assert [motor.get("torque_enable") for motor in made.motors] == [0, 0, 0]


def test_a_motor_that_ignores_torque_enable_switches_torque_off_on_all():
    made = bench(2)
    made.motors[1].ignore.add("torque_enable")
    with pytest.raises(HardwareError, match="torque or bus watchdog is off after it was switched on"):
        made.driver.enable()
    assert made.motors[0].get("torque_enable") == 0


def test_disable_tries_all_motors_before_it_raises():
    made = bench(3)
    made.driver.enable()
    made.motors[0].silent = True
    with pytest.raises(HardwareError, match=r"torque may still be on; no confirmation from 'a'"):
        made.driver.disable()
    assert [motor.get("torque_enable") for motor in made.motors] == [1, 0, 0]


def test_close_switches_torque_off_and_never_raises():
    made = bench(2)
    made.driver.enable()
    made.motors[0].silent = True
    made.driver.close()
    assert made.motors[1].get("torque_enable") == 0
    assert made.bus.closed
    with pytest.raises(HardwareError, match="not open"):
        made.driver.enable()


def test_the_pivots_zero_is_a_motor_angle():
    made = Bench({"pivot": PIVOT}).opened()
    made.motors[0].set("present_position", 2048)
    assert read(made).position[0] == pytest.approx(0.0)
