"""Laws of the emulated WitMotion unit: locked registers, saved settings, contents and timing of samples."""

import math

import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import ImuConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.emulator.faults import FaultScript
from sim2real.hardware.emulator.imu import ImuLine
from sim2real.hardware.emulator.plant import AT_REST, InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.emulator.state import StateFile
from sim2real.hardware.imu.mounting import Mounting
from sim2real.hardware.imu.sample import Motion
from sim2real.hardware.witmotion.firmware import WitMotionUnit
from sim2real.hardware.witmotion.frame import (
    STANDARD_GRAVITY,
    Decoder,
    FrameType,
    Register,
    acceleration,
    angle,
    angular_velocity,
    encode_command,
    quaternion,
)

S = 1_000_000_000
MS = 1_000_000
UNLOCK = encode_command(Register.KEY, 0xB588)
SAVE = encode_command(Register.SAVE, 0)


def setting(register: int, value: int) -> bytes:
    return encode_command(register, value)


def read(unit: WitMotionUnit, register: int) -> int:
    (frame,) = Decoder().feed(unit.receive(setting(Register.READ_ADDRESS, register), 0))
    assert frame.type == FrameType.REGISTERS
    return frame.values[0] & 0xFFFF


def types(data: bytes) -> list[int]:
    return [frame.type for frame in Decoder().feed(data)]


def test_factory_settings_are_those_of_the_datasheet():
    unit = WitMotionUnit(9600)
    assert (unit.baudrate, unit.period_ns) == (9600, 100 * MS)
    assert types(unit.sample(AT_REST, 0)) == [0x51, 0x52, 0x53, 0x54]


def test_registers_are_locked():
    unit = WitMotionUnit(9600)
    unit.receive(setting(Register.RETURN_RATE, 0x0B), 0)
    assert unit.period_ns == 100 * MS
    unit.receive(UNLOCK + setting(Register.RETURN_RATE, 0x0B), 0)
    assert unit.period_ns == 5 * MS


def test_the_lock_closes_after_ten_seconds_or_a_wrong_key():
    unit = WitMotionUnit(9600)
    unit.receive(UNLOCK, 0)
    unit.receive(setting(Register.RETURN_RATE, 0x09), 10 * S)
    assert unit.period_ns == 100 * MS
    unit.receive(setting(Register.RETURN_RATE, 0x09), 10 * S - 1)
    assert unit.period_ns == 10 * MS
    unit.receive(UNLOCK + setting(Register.KEY, 1) + setting(Register.RETURN_RATE, 0x08), 0)
    assert unit.period_ns == 10 * MS


def test_only_saved_settings_survive_a_power_cycle():
    unit = WitMotionUnit(9600)
    unit.receive(UNLOCK + setting(Register.RETURN_RATE, 0x0B), 0)
    unit.boot()
    assert unit.period_ns == 100 * MS
    unit.receive(UNLOCK + setting(Register.RETURN_RATE, 0x0B) + SAVE, 0)
    unit.boot()
    assert unit.period_ns == 5 * MS
    unit.receive(setting(Register.RETURN_RATE, 0x09), 0)  # locked again
    assert unit.period_ns == 5 * MS


def test_a_factory_reset_and_a_restart():
    unit = WitMotionUnit(115200)
    unit.receive(UNLOCK + setting(Register.RETURN_RATE, 0x0B) + setting(Register.SAVE, 0xFF), 0)
    assert unit.period_ns == 100 * MS
    unit.receive(UNLOCK + setting(Register.SAVE, 1), 0)
    assert unit.baudrate == 9600


@pytest.mark.parametrize(("register", "value"), [(Register.RETURN_RATE, 0x77), (Register.BAUD, 0), (Register.BAUD, 10)])
def test_codes_that_do_not_exist_are_ignored(register, value):
    unit = WitMotionUnit(9600)
    before = read(unit, register)
    unit.receive(UNLOCK + setting(register, value), 0)
    assert read(unit, register) == before


def test_registers_are_read_four_at_a_time():
    unit = WitMotionUnit(115200)
    (frame,) = Decoder().feed(unit.receive(setting(Register.READ_ADDRESS, Register.RETURN_CONTENT), 0))
    assert frame.values[:3] == (0x1E, 6, 6)
    assert unit.receive(setting(Register.READ_ADDRESS, 0x100), 0) == b""


def test_other_registers_keep_written_values():
    unit = WitMotionUnit(9600)
    unit.receive(UNLOCK + setting(0x24, 1) + setting(0x0B, 0xFFFE), 0)
    assert read(unit, 0x24) == 1
    assert read(unit, 0x0B) == 0xFFFE


def test_every_content_is_sent_in_the_order_of_the_types():
    unit = WitMotionUnit(9600)
    unit.receive(UNLOCK + setting(Register.RETURN_CONTENT, 0x7FF), 0)
    assert types(unit.sample(AT_REST, 0)) == list(range(0x50, 0x5B))


def test_frames_contain_the_true_motion():
    unit = WitMotionUnit(9600, seed=3)
    unit.receive(UNLOCK + setting(Register.RETURN_CONTENT, 0x20E), 0)
    roll, pitch, yaw = 0.4, -0.3, 1.2
    motion = Motion(Mounting(roll, pitch, yaw).quaternion, (1.0, -2.0, 3.0), (1.0, 2.0, 9.0))
    frames = {frame.type: frame.values for frame in Decoder().feed(unit.sample(motion, 0))}
    assert acceleration(frames[0x51]) == pytest.approx((1.0, 2.0, 9.0), abs=0.05)
    assert angular_velocity(frames[0x52]) == pytest.approx((1.0, -2.0, 3.0), abs=0.01)
    assert angle(frames[0x53]) == pytest.approx((roll, pitch, yaw), abs=0.005)
    assert quaternion(frames[0x59]) == pytest.approx(motion.orientation, abs=0.002)


def test_values_are_clipped_to_the_range():
    unit = WitMotionUnit(9600)
    hard = Motion((1.0, 0.0, 0.0, 0.0), (100.0, -100.0, 0.0), (0.0, 0.0, 40.0 * STANDARD_GRAVITY))
    frames = {frame.type: frame.values for frame in Decoder().feed(unit.sample(hard, 0))}
    assert frames[0x52][:2] == (32767, -32768)
    assert frames[0x51][2] == 32767


def test_the_gyro_has_the_noise_of_the_datasheet_and_a_bias_for_each_power_up():
    unit = WitMotionUnit(9600, seed=1)

    def rates() -> list[float]:
        frames = [Decoder().feed(unit.sample(AT_REST, 0))[1] for _ in range(400)]
        return [angular_velocity(frame.values)[0] for frame in frames]

    first = rates()
    mean = sum(first) / len(first)
    deviation = math.sqrt(sum((rate - mean) ** 2 for rate in first) / len(first))
    assert math.radians(0.04) < deviation < math.radians(0.06)
    unit.boot()
    second = rates()
    assert abs(sum(second) / len(second) - mean) > 3.0 * deviation / math.sqrt(200)


def line(**updates: object) -> ImuLine:
    values = {"protocol": "witmotion", "baudrate": "9600 baud", "rate": "10 Hz", "body": "trunk", "stale_after": "1 s"}
    return ImuLine(
        "trunk", ImuConfig(**{**values, **updates}), lambda _body: AT_REST, FaultScript(FaultsConfig(name="none"))
    )


def run(port: ImuLine, until_ns: int) -> list[tuple[int, bytes]]:
    """Return the bytes that a client receives, with their times."""
    got = []
    while min(port.next_ns, port.delivery_ns) <= until_ns:
        if port.delivery_ns <= port.next_ns:
            got.append((port.delivery_ns, port.take(port.delivery_ns)))
        else:
            port.process(port.next_ns)
    return got


def test_a_sample_arrives_with_its_last_byte():
    got = run(line(), 350 * MS)
    wire_ns = -(-44 * 10 * S // 9600)
    assert [at for at, _ in got] == [number * 100 * MS + wire_ns for number in (1, 2, 3)]
    assert [types(data) for _, data in got] == [[0x51, 0x52, 0x53, 0x54]] * 3


def test_a_client_at_another_baud_rate_can_neither_receive_nor_send():
    port = line()
    port.set_baudrate(115200)
    port.send(0, UNLOCK + setting(Register.RETURN_RATE, 0x0B))
    assert [types(data) for _, data in run(port, 250 * MS)] == [[], []]
    assert port.unit.period_ns == 100 * MS


def test_a_unit_sends_at_its_new_baud_rate():
    port = line()
    port.send(0, UNLOCK + setting(Register.BAUD, 6))
    assert types(run(port, 150 * MS)[0][1]) == []
    port.set_baudrate(115200)
    assert types(run(port, 250 * MS)[0][1]) == [0x51, 0x52, 0x53, 0x54]


def test_unfetched_bytes_are_bounded():
    port = line(baudrate="115200 baud")
    port.send(0, UNLOCK + setting(Register.RETURN_RATE, 0x0B))
    while port.next_ns < 5 * S:
        port.process(port.next_ns)
    kept = 0
    while data := port.take(5 * S):
        kept += len(data)
    assert 4000 < kept <= 4096
    assert port.dropped > 0


def test_a_unit_can_be_set_to_send_nothing():
    port = line()
    port.send(0, UNLOCK + setting(Register.RETURN_RATE, 0x0D))
    assert run(port, 2 * S) == []


def test_an_unplugged_adapter_delivers_nothing_and_gives_no_power():
    port = line()
    port.send(0, UNLOCK + setting(Register.RETURN_RATE, 0x09))
    run(port, 50 * MS)
    port.plug(False)
    assert run(port, 1 * S) == []
    port.plug(True)
    assert port.unit.period_ns == 100 * MS


def test_saved_settings_can_be_restored_in_another_unit():
    first, second = WitMotionUnit(9600), WitMotionUnit(9600)
    first.receive(UNLOCK + setting(Register.RETURN_RATE, 0x0B) + setting(Register.BAUD, 6) + SAVE, 0)
    first.receive(setting(Register.RETURN_RATE, 0x09), 0)  # not saved
    second.restore(first.saved())
    assert (second.period_ns, second.baudrate) == (5 * MS, 115200)


@pytest.mark.parametrize("settings", [{"0x90": 1}, {"0x03": -1}, {"0x03": 65536}, {"0x04": 77}, {"rate": 1}])
def test_invalid_settings_are_refused_and_change_nothing(settings):
    unit = WitMotionUnit(9600)
    before = unit.saved()
    with pytest.raises(ValueError, match=r"cannot be|no baud rate|invalid literal"):
        unit.restore(settings)
    assert unit.saved() == before


def test_the_state_file_keeps_the_unit_s_settings(tmp_path):
    def started() -> tuple[WitMotionUnit, StateFile]:
        config = load_robot("quadruped")
        emulated = EmulatedRobot(config, InertiaPlant(config))
        unit = emulated.imus["trunk"].unit
        return unit, StateFile(tmp_path / "state.json", config, emulated.motors, {"trunk": unit})

    unit, file = started()
    file.save()
    unit.receive(UNLOCK + setting(Register.RETURN_RATE, 0x0B) + SAVE, 0)
    file.save()
    again, file = started()
    file.load(0)
    assert again.period_ns == 5 * MS
    text = (tmp_path / "state.json").read_text()
    (tmp_path / "state.json").write_text(text.replace('"0x03": 11', '"0x03": "x"'))
    with pytest.raises(UserError, match="IMU 'trunk'"):
        file.load(0)
