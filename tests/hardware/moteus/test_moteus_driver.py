"""Laws of the moteus driver beyond the joint interface, with emulated controllers."""

import math

import numpy as np
import pytest
from moteus_bench import MS, TICK_NS, MoteusRig

from sim2real.hardware.errors import HardwareError
from sim2real.hardware.moteus.firmware.controller import MoteusMotor
from sim2real.hardware.moteus.identity import Identity, decode_identity
from sim2real.hardware.moteus.reading import decode_reading
from sim2real.hardware.moteus.tables import Fault, Mode
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import MotorFault

DAMPED = {"stiffness": 0.0, "damping": 0.05}


def driven(*entries: dict, joints: int = 2, **updates: object) -> MoteusRig:
    rig = MoteusRig(joints, *entries, **updates).enabled()
    rig.command.stiffness[:], rig.command.damping[:] = 4.0, 0.05
    return rig


@pytest.mark.parametrize(("direction", "zero"), [(1, 0.0), (-1, 0.3), (1, -0.2)])
def test_position_and_velocity_targets_and_readings_are_those_of_the_joint(direction, zero):
    rig = driven(direction=direction, zero=zero)
    rig.command.position[:] = (0.4, -0.3)
    rig.ticks(150)
    assert rig.plant.position == pytest.approx([0.4, -0.3], abs=0.02 / 4.0 + 1e-3)  # friction over stiffness
    assert rig.state.position == pytest.approx(rig.plant.position, abs=1e-6)
    rig.command.stiffness[:], rig.command.velocity[:] = 0.0, (3.0, -2.0)
    rig.ticks(150)
    assert rig.state.velocity == pytest.approx([3.0, -2.0], abs=0.5)
    assert rig.state.velocity == pytest.approx(rig.plant.velocity, abs=0.01)


@pytest.mark.parametrize("direction", [1, -1])
def test_effort_is_stiffness_times_error_and_damping_times_velocity_and_feed_forward(direction):
    rig = driven(joints=1, direction=direction)
    rig.plant.velocity[:] = 0.0
    rig.command.position[:] = rig.plant.position + 0.05
    rig.command.effort[:] = 0.1
    rig.hardware.write(rig.command)
    rig.clock.sleep_until_ns(rig.clock.now_ns() + MS)
    rig.settle()
    effort = direction * rig.emulated.electrics.torque[0]
    assert effort == pytest.approx(4.0 * 0.05 + 0.1, abs=1e-3)
    before = rig.plant.velocity.copy()
    rig.hardware.read(rig.state)
    assert rig.state.effort[0] == pytest.approx(effort, abs=0.05)
    assert before[0] > 0


def test_the_motor_keeps_the_effort_limit_of_the_joint():
    rig = driven(joints=1, effort_limit=0.5)
    rig.command.position[:] = 2.0
    rig.hardware.write(rig.command)
    rig.clock.sleep_until_ns(rig.clock.now_ns() + 2 * MS)
    rig.settle()
    assert rig.emulated.electrics.torque[0] == pytest.approx(0.5, abs=1e-6)


def test_targets_are_followed_at_once_despite_the_default_acceleration_limit():
    rig = driven(joints=1)
    rig.command.position[:] = 1.0
    rig.hardware.write(rig.command)
    rig.clock.sleep_until_ns(rig.clock.now_ns() + 2 * MS)
    rig.settle()
    assert rig.motors[0].control.trajectory.position == pytest.approx(1.0 / math.tau)


def test_a_tick_is_two_writes_and_the_readings_are_of_that_tick():
    rig = driven(joints=3)
    sent: list[bytes] = []
    transport = rig.transports["main"]
    write = transport.write
    transport.write = lambda data: (sent.append(bytes(data)), write(data))[1]  # type: ignore[method-assign]
    start_ns = rig.clock.now_ns()
    rig.ticks(1)
    assert [data.count(b"can send") for data in sent] == [3, 3]
    assert all(start_ns < stamp < start_ns + 2 * MS for stamp in rig.state.stamp_ns)


def lines_of_a_tick(rig: MoteusRig) -> list[bytes]:
    """Return the lines that the driver sends in one tick."""
    sent: list[bytes] = []
    transport = rig.transports["main"]
    write = transport.write
    transport.write = lambda data: (sent.append(bytes(data)), write(data))[1]  # type: ignore[method-assign]
    rig.ticks(1)
    transport.write = write  # type: ignore[method-assign]
    lines = b"".join(sent).splitlines()
    assert lines
    return lines


def test_checksums_are_used_if_the_adapter_supports_them():
    rig = driven()
    assert all(b" *" in line for line in lines_of_a_tick(rig))
    rig = MoteusRig(2)
    wire = rig.emulated.lines["main"].protocol
    plain = wire.replies_to
    # Older adapter firmware reads the star as a flag, and sends no checksums.
    wire.replies_to = lambda line, motors, now_ns: plain(line.partition(b" *")[0], motors, now_ns)
    rig.enabled()
    assert not any(b" *" in line for line in lines_of_a_tick(rig))
    rig.ticks(5)
    assert rig.state.fresh.all()


def test_before_enable_a_write_moves_nothing():
    rig = MoteusRig(2)
    rig.hardware.open()
    rig.command.stiffness[:] = 4.0
    rig.ticks(5)
    assert not any(motor.torque_enabled for motor in rig.motors)


def test_enable_starts_with_zero_gains_so_that_nothing_jumps():
    rig = MoteusRig(1)
    rig.plant.position[0] = 0.7
    rig.hardware.open()
    rig.hardware.enable()
    assert rig.motors[0].mode == Mode.POSITION
    assert rig.emulated.electrics.torque == [0.0]
    assert rig.plant.position[0] == 0.7


def test_the_watchdog_is_that_of_the_configuration():
    rig = driven()
    rig.emulated.lines["main"].supervisor.stop()  # the controllers' own watchdogs are the second line
    rig.ticks(3)
    rig.wait(rig.config.safety.watchdog - 0.02)
    assert all(motor.mode == Mode.POSITION for motor in rig.motors)
    rig.wait(0.03)
    assert all(motor.mode == Mode.TIMEOUT for motor in rig.motors)
    rig.ticks(1, write=False)
    assert rig.state.faults.tolist() == [MotorFault.WATCHDOG] * 2
    rig.hardware.enable()
    rig.ticks(2)
    assert not rig.state.faults.any()


def test_a_controller_that_restarted_is_a_fault_and_is_stopped_again():
    rig = driven({"kind": "power_cycle", "joint": "joint1", "start": "50 ms"})
    rig.ticks(60)
    assert rig.state.faults.tolist() == [MotorFault.RESTARTED, 0]
    assert [motor.torque_enabled for motor in rig.motors] == [False, True]
    rig.hardware.disable()
    rig.hardware.enable()
    rig.ticks(2)
    assert not rig.state.faults.any()


def test_faults_are_reported_and_the_other_joints_continue():
    rig = driven()
    rig.ticks(3)
    rig.motors[1].raise_fault(Fault.ENCODER)
    rig.ticks(2)
    assert rig.state.faults.tolist() == [0, MotorFault.ENCODER]
    assert [motor.driven for motor in rig.motors] == [True, False]


def test_a_latched_fault_is_refused_with_advice():
    rig = MoteusRig(2)
    rig.motors[1].raise_fault(Fault.OVER_TEMPERATURE)
    with pytest.raises(HardwareError, match=r"joint2.*over temperature \(38\).*cool down.*reboot --id 2"):
        rig.hardware.open()


def test_a_time_out_of_an_earlier_run_is_cleared_and_reported():
    rig = driven()
    rig.emulated.lines["main"].supervisor.stop()
    rig.wait(0.2)
    again = RobotHardware(rig.config, rig.transports, rig.clock)  # the earlier run died without `close`
    again.open()
    assert len(again.notices) == 2
    assert "time-out" in again.notices[0]
    assert not any(motor.torque_enabled for motor in rig.motors)


def test_another_model_is_refused_where_one_is_configured():
    rig = MoteusRig(1)
    registers = rig.motors[0].registers
    rig.motors[0].registers = registers.model_copy(update={"model_number": 7})
    rig.hardware.open()
    expected = rig.config.joints["joint1"].motor.registers.model_copy(update={"model_number": 3})
    motor = rig.config.joints["joint1"].motor.model_copy(update={"registers": expected})
    with pytest.raises(HardwareError, match="model 0x7"):
        Identity(7, 0x010304).check(rig.config.joints["joint1"].model_copy(update={"motor": motor}), "joint1")
    assert Identity(7, 0x010304).firmware_text == "1.3.4"


def test_no_adapter_and_a_missing_controller_are_errors():
    rig = MoteusRig(2)
    rig.motors[1].silent = True
    with pytest.raises(HardwareError, match=r"joint2.*scan"):
        rig.hardware.open()
    rig = MoteusRig(1)
    rig.emulated.lines["main"].protocol.replies_to = lambda *_: []
    with pytest.raises(HardwareError, match="adapter does not answer"):
        rig.hardware.open()


def lose_position(motor: MoteusMotor) -> None:
    motor.shaft.angle = math.nan
    motor.freeze_encoder()


def test_a_controller_without_position_is_refused():
    rig = MoteusRig(1)
    lose_position(rig.motors[0])
    with pytest.raises(HardwareError, match="has no valid position"):
        rig.hardware.open()


def test_a_controller_that_does_not_start_is_named_and_all_are_stopped():
    rig = MoteusRig(2)
    rig.hardware.open()
    rig.motors[1].settings.values["servopos.position_min"] = 0.1
    with pytest.raises(HardwareError, match=r"joint2.*outside limit"):
        rig.hardware.enable()
    assert not any(motor.torque_enabled for motor in rig.motors)
    rig.motors[1].settings.values["servopos.position_min"] = math.nan
    rig.motors[1].commit()
    rig.motors[1].execute = lambda mode, command, now_ns: None
    with pytest.raises(HardwareError, match=r"joint2.*does not start"):
        rig.hardware.enable()
    assert not any(motor.torque_enabled for motor in rig.motors)


def test_a_lost_position_is_an_encoder_fault_and_not_a_reading():
    rig = driven()
    rig.ticks(2)
    lose_position(rig.motors[0])
    before = rig.state.position.copy()
    rig.ticks(1)
    assert rig.state.fresh.tolist() == [False, True]
    assert rig.state.position[0] == before[0]
    assert rig.state.faults[0] == MotorFault.ENCODER


@pytest.mark.parametrize("kind", ["duplicate_reply", "delay_reply"])
def test_late_and_duplicated_replies_are_never_mistaken_for_new_ones(kind):
    entry = {"kind": kind, "probability": 0.3} | ({"delay": "10 ms"} if kind == "delay_reply" else {})
    rig = driven(entry)
    rig.command.stiffness[:], rig.command.velocity[:] = 0.0, 4.0
    wrong: list[float] = []

    def check() -> None:
        for joint in range(2):
            if rig.state.fresh[joint]:
                age_s = (rig.clock.now_ns() - rig.state.stamp_ns[joint]) * 1e-9
                now = rig.state.position[joint] + age_s * rig.state.velocity[joint]
                wrong.append(abs(now - rig.plant.position[joint]))

    rig.ticks(200, check)
    assert max(wrong) < 4.0 * 0.002
    assert rig.emulated.faults.injected[kind] > 50
    assert rig.hardware.counters.unexpected > 10


@pytest.mark.parametrize("kind", ["lose_reply", "corrupt_reply", "truncate_reply"])
def test_set_up_and_shut_down_tolerate_a_bad_bus(kind):
    rig = driven({"kind": kind, "probability": 0.2}, joints=3)
    rig.ticks(20)
    for _ in range(5):
        rig.hardware.disable()
        assert not any(motor.torque_enabled for motor in rig.motors)
        rig.hardware.enable()
        assert all(motor.driven for motor in rig.motors)
        rig.ticks(5)


@pytest.mark.parametrize(
    "data", [b"", b"\x21\x00\x0a", bytes(25), b"\x21\x00\x0a\x2f\x01" + b"\xff" * 12 + b"\x27\x0d" + bytes(6)]
)
def test_an_invalid_reply_is_refused(data):
    with pytest.raises(Exception, match="reply"):
        decode_reading(data)
    with pytest.raises(HardwareError):
        decode_identity(data + b"\x60")
    with pytest.raises(HardwareError):
        decode_identity(b"\x11\x00")


def test_a_closed_bus_is_an_error():
    rig = driven()
    rig.hardware.close()
    for act in (rig.hardware.enable, lambda: rig.hardware.read(rig.state), lambda: rig.hardware.write(rig.command)):
        with pytest.raises(HardwareError, match="not open"):
            act()


def test_with_five_percent_lost_replies_no_stale_value_is_fresh():
    rig = driven({"kind": "lose_reply", "probability": 0.05})
    last = rig.state.stamp_ns.copy()
    lost = 0

    def check() -> None:
        nonlocal lost
        for joint in range(2):
            fresh = bool(rig.state.fresh[joint])
            lost += not fresh
            assert fresh == (rig.state.stamp_ns[joint] > last[joint])
            if fresh:
                assert rig.state.position[joint] == pytest.approx(rig.plant.position[joint], abs=0.02)
        last[:] = rig.state.stamp_ns
        rig.command.position[:] = 0.3 * np.sin(rig.clock.now_ns() * 1e-9)

    rig.ticks(500, check)
    assert rig.hardware.counters.timeouts == lost > 20
    assert not rig.state.faults.any()
    assert rig.clock.now_ns() < 501 * (TICK_NS + 10 * MS)
