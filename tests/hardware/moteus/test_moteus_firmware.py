"""Laws of the emulated moteus and its adapter, tested with plain lines."""

import math

import pytest
from moteus_bench import MS, LineBench

from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.moteus.frame import (
    Kind,
    Resolution,
    Subframe,
    encode_head,
    encode_stream,
    encode_values,
    subframes,
)
from sim2real.hardware.moteus.lines import decode_line, encode_send
from sim2real.hardware.moteus.tables import BY_NAME, REGISTERS, Access, Fault, Mode

NAN = math.nan
F = Resolution.FLOAT
STATE = encode_head(Kind.READ, 0, 4, F) + encode_head(Kind.READ, 0x0F, 1, Resolution.INT8)


def mode(value: int, **registers: float) -> bytes:
    data = encode_values(Kind.WRITE, 0, [value], Resolution.INT8)
    for name, number in registers.items():
        data += encode_values(Kind.WRITE, BY_NAME[name].address, [number], F)
    return data


def position(target: float, **registers: float) -> bytes:
    limits = {"velocity_limit": -1.0, "acceleration_limit": -1.0, "timeout": NAN}
    return mode(Mode.POSITION, command_position=target, **(limits | registers))


def read(name: str, resolution: Resolution = F) -> bytes:
    return encode_head(Kind.READ, BY_NAME[name].address, 1, resolution)


def value(bench: LineBench, name: str, resolution: Resolution = F) -> float:
    return bench.values(read(name, resolution))[BY_NAME[name].address]


def started(**registers: float) -> LineBench:
    bench = LineBench()
    bench.ask(position(NAN, **registers))
    bench.wait(0.02)
    return bench


# --- the adapter


def test_every_frame_is_acknowledged_before_its_reply():
    lines = LineBench(2).ask(STATE, motor=2)
    assert [line.frame is None for line in lines] == [True, False]
    assert lines[1].frame.source == 2
    assert all(line.checked for line in lines)


def test_lines_have_the_adapter_s_line_end_and_no_checksum_without_one():
    bench = LineBench()
    bench.transport.write(encode_send(0x8001, STATE, checksum=False))
    buffer = bytearray(1000)
    count = bench.transport.read_into(memoryview(buffer), 10 * MS)
    assert buffer[:count] == b"OK\r\n"


def test_after_a_checksum_all_lines_need_one_until_the_port_is_closed():
    bench = LineBench()
    bare = encode_send(0x8001, STATE, checksum=False)
    assert len(bench.say(bare)) == 2
    assert len(bench.ask(STATE)) == 2
    assert [decode_line(line).error for line in bench.say(bare)] == ["checksum"]
    bench.transport.close()
    bench.transport = lockstep_transports(bench.emulated, bench.clock)["main"]
    assert len(bench.say(bare)) == 2


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"can send 8001 00 *00", "checksum"),
        (b"tel list", "unknown command"),
        (b"can send 8001", "missing data"),
        (b"can send 80g1 00", "invalid hex in id"),
        (b"can send 8001 0", "malformed data"),
    ],
)
def test_an_invalid_line_gets_the_controller_s_error(line, error):
    bench = LineBench()
    assert bench.say(line + b"\n") == [b"ERR " + error.encode()]
    assert bench.emulated.lines["main"].protocol.damaged == (error == "checksum")
    assert len(bench.ask(STATE)) == 2  # the next one is decoded


def test_no_controller_replies_unrequested_or_to_another_id_or_prefix():
    bench = LineBench(2)
    assert [line.frame for line in bench.ask(mode(0), reply=False)] == [None]
    assert [line.frame for line in bench.ask(STATE, motor=9)] == [None]
    assert [decode_line(line).frame for line in bench.say(encode_send(0x18001, STATE, checksum=True))] == [None]


def test_all_controllers_reply_to_a_broadcast_one_after_the_other():
    frames = [line.frame for line in LineBench(3).ask(STATE, motor=0x7F) if line.frame is not None]
    assert [frame.source for frame in frames] == [1, 2, 3]


def test_many_frames_sent_at_once_share_the_can_bus():
    bench = LineBench(3)
    start_ns = bench.clock.now_ns()
    lines = bench.say(b"".join(encode_send(0x8000 | motor, STATE, checksum=True) for motor in (1, 2, 3)), MS)
    frames = [decode_line(line).frame for line in lines]
    assert [frame.source for frame in frames if frame is not None] == [1, 2, 3]
    assert sum(frame is None for frame in frames) == 3
    assert 0.4 * MS < bench.clock.now_ns() - start_ns - MS < 1.5 * MS


def test_the_baud_rate_does_not_matter():
    bench = LineBench()
    bench.transport.set_baudrate(115_200)
    assert len(bench.ask(STATE)) == 2


def test_a_frame_for_another_uuid_is_discarded():
    bench = LineBench()
    uuid = int(value(bench, "uuid_1", Resolution.INT32))
    mask = BY_NAME["uuid_mask_1"].address
    assert len(bench.ask(encode_values(Kind.WRITE, mask, [uuid], Resolution.INT32) + STATE)) == 2
    other = encode_values(Kind.WRITE, mask, [uuid ^ 1], Resolution.INT32)
    assert [line.frame for line in bench.ask(other + position(0.1) + STATE)] == [None]
    assert bench.motors[0].mode == Mode.STOPPED


# --- registers


@pytest.mark.parametrize("resolution", Resolution)
def test_every_register_can_be_read_or_returns_an_error(resolution):
    bench = LineBench()
    for register in REGISTERS.values():
        (seen,) = bench.answer(encode_head(Kind.READ, register.address, 1, resolution))
        readable = register.access != Access.WRITE and not (register.only_int32 and resolution != Resolution.INT32)
        assert seen.register == register.address
        assert seen.kind == (Kind.REPLY if readable else Kind.READ_ERROR)


def test_every_register_can_be_written_or_returns_an_error():
    bench = LineBench()
    for register in REGISTERS.values():
        if register.name.startswith("uuid_mask"):
            continue
        data = encode_values(Kind.WRITE, register.address, [0], Resolution.INT8)
        errors = bench.answer(data)
        assert bool(errors) == (register.access == Access.READ)
    assert bench.answer(encode_values(Kind.WRITE, 0x1F0, [0], Resolution.INT8)) == [
        Subframe(Kind.WRITE_ERROR, 0x1F0, value=1)
    ]


def test_the_reply_has_the_subframes_of_the_query():
    bench = LineBench()
    question = bytes.fromhex("1100 1f01 170d")
    (frame,) = [line.frame for line in bench.ask(question) if line.frame is not None]
    assert frame.data[:2] == b"\x21\x00"
    assert frame.data[3:5] == b"\x2f\x01"
    assert frame.data[17:19] == b"\x27\x0d"
    assert len(frame.data) == 32
    assert set(frame.data[25:]) == {0x50}


def test_values_that_do_not_fit_a_reply_are_dropped():
    seen = LineBench().answer(encode_head(Kind.READ, 1, 15, F) + encode_head(Kind.READ, 1, 1, F))
    assert {subframe.register for subframe in seen} <= set(range(1, 16))
    assert len(seen) < 16


def test_an_invalid_register_between_valid_ones_is_named():
    seen = LineBench().answer(encode_head(Kind.READ, 7, 4, Resolution.INT8))
    assert [(s.kind, s.register) for s in seen] == [
        (Kind.REPLY, 7),
        (Kind.READ_ERROR, 8),
        (Kind.READ_ERROR, 9),
        (Kind.REPLY, 10),
    ]


def test_subframes_before_garbage_are_valid():
    assert [s.register for s in LineBench().answer(b"\x11\x00\x60\x11\x01")] == [0]


def test_nan_is_the_smallest_integer_in_both_directions():
    bench = LineBench()
    assert value(bench, "maximum_torque", Resolution.INT16) == -32768
    bench.ask(encode_values(Kind.WRITE, 0x25, [-128], Resolution.INT8))
    assert math.isnan(value(bench, "maximum_torque"))
    bench.ask(encode_values(Kind.WRITE, 0x25, [3], Resolution.INT8))
    assert value(bench, "maximum_torque") == 1.5
    assert value(bench, "maximum_torque", Resolution.INT16) == 150


def test_a_mode_resets_the_registers_of_the_command():
    bench = LineBench()
    bench.ask(position(0.1, kp_scale=0.5, feedforward_torque=0.1))
    assert value(bench, "kp_scale") == 0.5
    bench.ask(position(0.1))
    assert value(bench, "kp_scale") == 1.0
    assert value(bench, "feedforward_torque") == 0.0


def test_the_stay_within_registers_are_aliases():
    bench = LineBench()
    bench.ask(encode_values(Kind.WRITE, 0x43, [0.25], F))
    assert value(bench, "kp_scale") == 0.25


@pytest.mark.parametrize("number", [1, 5, 16, 77, -3])
def test_an_unsupported_mode_is_refused(number):
    bench = LineBench()
    assert bench.answer(encode_values(Kind.WRITE, 0, [number], Resolution.INT8))[0] == Subframe(
        Kind.WRITE_ERROR, 0, value=3
    )
    assert bench.motors[0].mode == Mode.STOPPED


def test_the_millisecond_counter_wraps():
    bench = LineBench()
    bench.wait(0.2)
    assert value(bench, "millisecond_counter") == pytest.approx(200, abs=10)
    assert value(bench, "millisecond_counter", Resolution.INT8) == pytest.approx(200 - 256, abs=15)


def test_firmware_model_and_uuid():
    bench = LineBench()
    assert value(bench, "firmware_version", Resolution.INT32) == 0x000109
    assert value(bench, "model_number", Resolution.INT32) == 0
    assert value(bench, "uuid_mask_capable") == 1


# --- modes and control law


def test_a_mode_starts_when_the_bridge_is_enabled():
    bench = LineBench()
    assert bench.values(position(0.0) + STATE)[0] == Mode.STOPPED  # the command takes effect after the frame
    assert value(bench, "mode") == Mode.ENABLING
    bench.wait(0.012)
    assert value(bench, "mode") == Mode.POSITION


def test_position_is_reached_at_once_without_limits_and_held():
    bench = started()
    bench.ask(position(0.25))
    bench.wait(1.5)
    seen = bench.values(STATE)
    assert seen[1] == pytest.approx(0.25, abs=0.02 / 4.0)  # friction over kp
    assert seen[2] == pytest.approx(0.0, abs=1e-3)


def test_the_default_acceleration_limit_turns_a_target_into_a_ramp():
    bench = started()
    bench.ask(mode(Mode.POSITION, command_position=2.0, timeout=NAN, velocity_limit=5.0))
    seen, times = [0.0], [bench.clock.now_ns()]
    for _ in range(60):
        bench.wait(0.01)
        times.append(bench.clock.now_ns())
        seen.append(value(bench, "control_velocity"))
    assert max(seen) == pytest.approx(5.0)
    for before, after, start_ns, end_ns in zip(seen, seen[1:], times, times[1:], strict=False):
        assert abs(after - before) <= 50.0 * ((end_ns - start_ns) * 1e-9 + 0.002)
    assert value(bench, "trajectory_complete") == 1
    assert value(bench, "control_position") == pytest.approx(2.0)
    bench.wait(1.0)
    assert value(bench, "position") == pytest.approx(2.0, abs=0.01)


def test_a_velocity_limit_alone_is_a_ramp_without_acceleration():
    bench = started()
    start_ns = bench.clock.now_ns()
    bench.ask(position(1.0, velocity_limit=4.0))
    bench.wait(0.1)
    assert value(bench, "control_velocity") == pytest.approx(4.0)
    seconds = (bench.clock.now_ns() - start_ns) * 1e-9
    assert value(bench, "control_position") == pytest.approx(4.0 * seconds, abs=0.02)
    bench.wait(0.3)
    assert value(bench, "control_position") == pytest.approx(1.0)


def test_velocity_without_position_continues():
    bench = started()
    bench.ask(mode(Mode.POSITION, command_position=NAN, command_velocity=2.0, timeout=NAN))
    bench.wait(1.0)
    before, start_ns = value(bench, "position"), bench.clock.now_ns()
    bench.wait(1.0)
    seconds = (bench.clock.now_ns() - start_ns) * 1e-9
    assert value(bench, "position") - before == pytest.approx(2.0 * seconds, abs=0.01)
    assert value(bench, "velocity") == pytest.approx(2.0, abs=0.01)


def test_a_velocity_with_a_position_moves_the_target():
    bench = started()
    bench.ask(position(0.0, command_velocity=1.0))
    bench.wait(0.5)
    assert value(bench, "control_position") == pytest.approx(0.5, abs=0.02)


def test_torque_is_the_impedance_law_with_both_scales():
    bench = started()
    bench.plant.position[0], bench.plant.velocity[0] = 2 * math.pi * 0.1, 2 * math.pi * 3.0
    bench.ask(position(0.2, command_velocity=0.0, kp_scale=0.5, kd_scale=2.0, feedforward_torque=0.05))
    bench.wait(0.002)
    # The terms are of the last step, at most 1 ms old.
    seen = bench.values(encode_head(Kind.READ, 0x30, 5, F) + encode_head(Kind.READ, 1, 3, F))
    assert seen[0x30] == pytest.approx(4.0 * 0.5 * (0.2 - seen[1]), abs=0.01)
    assert seen[0x32] == pytest.approx(0.05 * 2.0 * -seen[2], abs=0.03)
    assert seen[0x33] == pytest.approx(0.05)
    assert seen[0x34] == pytest.approx(seen[0x30] + seen[0x32] + seen[0x33])
    assert seen[3] == pytest.approx(seen[0x34], abs=1e-6)


def test_torque_is_clipped_and_the_fault_register_shows_it():
    bench = started()
    bench.ask(position(1.0, maximum_torque=0.3))
    bench.wait(0.002)
    assert bench.emulated.electrics.torque[0] == pytest.approx(0.3, abs=1e-6)
    assert value(bench, "fault") == Fault.LIMIT_TORQUE
    assert bench.motors[0].faults == 0


def test_stiffness_without_damping_and_damping_without_stiffness():
    soft, damped = started(), started()
    for bench, scales in ((soft, (1.0, 0.0)), (damped, (0.0, 1.0))):
        bench.plant.velocity[0] = 2 * math.pi * 2.0
        bench.ask(position(value(bench, "position"), kp_scale=scales[0], kd_scale=scales[1]))
        bench.wait(0.03)
    assert damped.values(STATE)[2] < 0.7 * 2.0
    assert value(damped, "p_torque") == 0.0
    assert value(soft, "d_torque") == 0.0


def test_the_stop_position_ends_a_motion_and_excludes_limits():
    bench = started()
    bench.ask(position(NAN, command_velocity=-2.0, stop_position=0.5))
    bench.wait(1.0)
    assert value(bench, "control_position") == pytest.approx(0.5)
    bench.ask(mode(Mode.POSITION, command_position=NAN, command_velocity=1.0, stop_position=0.9, timeout=NAN))
    assert (value(bench, "mode"), value(bench, "fault")) == (Mode.FAULT, Fault.STOP_POSITION_DEPRECATED)


def test_stay_within_is_free_inside_the_bounds_and_holds_outside():
    bench = LineBench()
    bounds = mode(Mode.STAY_WITHIN, within_lower=-0.1, within_upper=0.1, timeout=NAN)
    bench.ask(bounds)
    bench.wait(0.02)
    assert bench.emulated.electrics.torque[0] == 0.0
    for side in (1.0, -1.0):
        bench.plant.position[0] = side * 2 * math.pi * 0.2
        bench.ask(bounds)
        bench.wait(0.0011)
        assert bench.emulated.electrics.torque[0] * side < -0.2


def test_current_mode_is_torque():
    bench = LineBench()
    bench.ask(mode(Mode.CURRENT, command_q_current=4.0))
    bench.wait(0.02)
    assert bench.emulated.electrics.torque[0] == pytest.approx(
        4.0 * bench.config.joints["joint1"].motor.torque_constant
    )
    assert value(bench, "q_current") == pytest.approx(4.0)


@pytest.mark.parametrize(("wanted", "share"), [(Mode.ZERO_VELOCITY, 0.9), (Mode.BRAKE, 0.9)])
def test_zero_velocity_and_brake_slow_the_rotor(wanted, share):
    bench = LineBench()
    bench.plant.velocity[0] = 20.0
    bench.ask(mode(wanted, kd_scale=1.0))
    bench.wait(0.03)
    assert bench.plant.velocity[0] < share * 20.0
    assert bench.motors[0].driven


def test_nan_gives_no_torque():
    bench = started()
    bench.ask(position(0.5, kp_scale=NAN))
    bench.wait(0.01)
    assert bench.emulated.electrics.torque == [0.0]
    bench.ask(position(math.inf))
    bench.wait(0.01)
    assert math.isfinite(bench.plant.position[0])


# --- watchdog


@pytest.mark.parametrize(("timeout", "seconds"), [(0.0, 0.1), (0.05, 0.05), (0.3, 0.3)])
def test_a_command_that_is_not_renewed_times_out(timeout, seconds):
    bench = started()
    bench.plant.velocity[0] = 1.0
    bench.ask(position(0.5, timeout=timeout))
    bench.wait(seconds - 0.008)
    assert value(bench, "mode") == Mode.POSITION
    bench.wait(0.01)
    assert value(bench, "mode") == Mode.TIMEOUT
    assert bench.motors[0].watchdog_tripped
    assert not bench.motors[0].driven


def test_queries_do_not_renew_a_command():
    bench = started()
    bench.ask(position(0.5, timeout=0.1))
    for _ in range(12):
        bench.ask(STATE)
        bench.wait(0.01)
    assert value(bench, "mode") == Mode.TIMEOUT


def test_a_time_out_damps_and_is_latched_until_stopped():
    bench = started()
    bench.ask(position(0.5, timeout=0.02))
    bench.plant.velocity[0] = 20.0
    bench.wait(0.06)
    assert bench.plant.velocity[0] < 18.0
    bench.ask(position(0.5))
    bench.wait(0.02)
    assert value(bench, "mode") == Mode.TIMEOUT
    bench.ask(mode(Mode.STOPPED))
    assert value(bench, "mode") == Mode.STOPPED
    bench.ask(position(0.5))
    bench.wait(0.02)
    assert value(bench, "mode") == Mode.POSITION


def test_nan_disables_the_time_out():
    bench = started(timeout=NAN)
    bench.wait(3.0)
    assert value(bench, "mode") == Mode.POSITION


# --- faults


def spoil(bench: LineBench, what: str) -> None:
    electrics = bench.emulated.electrics
    if what == "hot":
        electrics.temperature[0] = 80.0
    elif what == "bridge":
        bench.motors[0].overload()
    else:
        electrics.supplies[None].nominal = electrics.supplies[None].voltage = {"over": 47.0, "under": 3.0}[what]


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        ("over", Fault.OVER_VOLTAGE),
        ("under", Fault.UNDER_VOLTAGE),
        ("hot", Fault.OVER_TEMPERATURE),
        ("bridge", Fault.MOTOR_DRIVER),
    ],
)
def test_a_fault_switches_torque_off_and_stays_until_stopped(what, fault):
    bench = started()
    bench.ask(position(0.2))
    spoil(bench, what)
    bench.wait(0.03)
    assert (value(bench, "mode"), value(bench, "fault")) == (Mode.FAULT, fault)
    assert bench.motors[0].faults == fault
    assert bench.emulated.electrics.torque == [0.0]
    bench.ask(position(0.2))
    bench.wait(0.02)
    assert value(bench, "mode") == Mode.FAULT
    bench.ask(mode(Mode.STOPPED))
    assert (value(bench, "mode"), value(bench, "fault")) == (Mode.STOPPED, 0)


def test_faults_are_not_checked_while_stopped():
    bench = LineBench()
    spoil(bench, "hot")
    bench.wait(0.05)
    assert value(bench, "fault") == 0


def test_position_mode_does_not_start_outside_the_bounds_and_stops_at_them():
    bench = LineBench()
    for line in (b"conf set servopos.position_min -0.1\n", b"conf set servopos.position_max 0.1\n"):
        bench.ask(encode_stream(Kind.CLIENT_DATA, 1, line))
    bench.plant.position[0] = 2 * math.pi * 0.2
    bench.ask(position(0.0))
    bench.wait(0.02)
    assert value(bench, "fault") == Fault.OUTSIDE_LIMIT
    bench.ask(mode(Mode.STOPPED))
    bench.plant.position[0] = 0.0
    for side in (1.0, -1.0):
        bench.ask(position(side * 0.3))
        bench.wait(0.5)
        assert value(bench, "control_position") == pytest.approx(side * 0.1)
    bench.ask(position(0.3, ignore_position_bounds=1.0))
    bench.wait(0.1)
    assert value(bench, "control_position") == pytest.approx(0.3)


def test_a_stuck_encoder_shows_no_motion_and_no_velocity():
    bench = started()
    bench.motors[0].freeze_encoder()
    bench.plant.velocity[0] = 5.0
    before = bench.values(STATE)
    bench.wait(0.01)
    after = bench.values(STATE)
    assert (after[1], after[2]) == (before[1], 0.0)
    bench.motors[0].release_encoder()
    assert bench.values(STATE)[1] != before[1]


# --- position, power and configuration


def test_the_position_is_absolute_within_one_turn_at_power_up():
    bench = LineBench()
    bench.plant.position[0] = 2 * math.pi * 2.2
    assert value(bench, "position") == pytest.approx(2.2)
    bench.motors[0].boot(bench.clock.now_ns(), boot_ns=0)
    assert value(bench, "position") == pytest.approx(0.2)


def test_the_output_can_be_set():
    bench = LineBench()
    bench.plant.position[0] = 2 * math.pi * 0.2
    bench.ask(encode_values(Kind.WRITE, 0x130, [3.0], F))
    assert value(bench, "position") == pytest.approx(3.2)
    bench.ask(encode_values(Kind.WRITE, 0x131, [1.0], F))
    assert value(bench, "position") == pytest.approx(1.0)
    bench.ask(encode_values(Kind.WRITE, 0x131, [NAN], F))
    assert value(bench, "position") == pytest.approx(1.0)
    assert value(bench, "home_state") == 2
    bench.ask(encode_values(Kind.WRITE, 0x133, [1], Resolution.INT8))


def test_a_controller_does_not_answer_while_it_boots():
    bench = started()
    bench.motors[0].boot(bench.clock.now_ns())
    assert [line.frame for line in bench.ask(STATE)] == [None]
    bench.wait(0.1)
    assert value(bench, "mode") == Mode.STOPPED


def console(bench: LineBench, text: bytes, motor: int = 1) -> bytes:
    said = b""
    data = encode_stream(Kind.CLIENT_DATA, 1, text)
    for _ in range(4):
        for subframe in bench.answer(data, motor):
            said += subframe.data
        data = b"\x42\x01\x30"
    return said


def test_the_console_sets_emulated_settings_and_refuses_others():
    bench = LineBench()
    assert console(bench, b"conf get servo.pid_position.kp\n") == b"4\r\nOK\r\n"
    assert console(bench, b"conf set servo.pid_position.kp 8\n") == b"OK\r\n"
    assert bench.motors[0].control.kp == 8.0
    for wrong in (b"conf set id.id 200", b"conf set id.id x", b"conf set what 1", b"conf set servo.pid_position.kd -1"):
        assert console(bench, wrong + b"\n") == b"ERR error setting\r\n"
    assert console(bench, b"conf get what\n") == b"ERR error reading\r\n"
    assert console(bench, b"d pos 0 0 1\n") == b"ERR unknown command\r\n"
    assert console(bench, b"tel stop\n\n") == b"OK\r\n"


def test_configuration_survives_a_boot_if_it_was_written():
    bench = LineBench()
    for text in (b"conf set servo.pid_position.kp 8\n", b"conf write\n", b"conf set servo.pid_position.kp 2\n"):
        console(bench, text)
    bench.motors[0].boot(bench.clock.now_ns(), boot_ns=0)
    assert bench.motors[0].control.kp == 8.0


def test_an_id_changes_after_the_reply():
    bench = LineBench()
    (frame,) = [
        line.frame
        for line in bench.ask(encode_stream(Kind.CLIENT_DATA, 1, b"conf set id.id 7\n"))
        if line.frame is not None
    ]
    assert frame.source == 1
    assert next(iter(subframes(frame.data))).data == b"OK\r\n"
    assert bench.values(STATE, motor=7)[0] == Mode.STOPPED
