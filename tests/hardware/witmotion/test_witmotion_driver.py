"""Laws of the WitMotion driver with the emulated unit: on a virtual clock, with faults, and over a pty."""

import math
import time

import numpy as np
import pytest
from emulated import robot_of
from served import serving

from sim2real.configs.schema.fault import DelayFaultConfig, ImuFaultConfig, ReplyFaultConfig, UnplugFaultConfig
from sim2real.configs.schema.robot import ImuConfig, RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import MonotonicClock, VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.imu.mounting import Mounting
from sim2real.hardware.imu.robot_imus import RobotImus
from sim2real.hardware.imu.sample import Motion
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.hardware.types import ImuFault, ImuState, JointState
from sim2real.hardware.witmotion.frame import BAUD_CODES, Frame, FrameType, Register, encode_command

MS = 1_000_000
NOISE = 0.05  # rad/s, m/s²: above the unit's noise and bias


def imu(**updates: object) -> ImuConfig:
    return ImuConfig(
        **{"protocol": "witmotion", "baudrate": "115200 baud", "rate": "200 Hz", "body": "trunk", **updates}
    )


class MovingPlant(InertiaPlant):
    """A plant whose trunk has the motion that the test sets."""

    motion = Motion((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 9.81))

    def imu(self, body: str) -> Motion:
        assert body == "trunk"
        return self.motion


class Rig:
    """A robot with IMUs in lockstep with the emulated one."""

    def __init__(self, *faults: object, units: dict[str, ImuConfig] | None = None, seed: int = 0) -> None:
        self.config = robot_of().model_copy(update={"imus": units or {"trunk": imu()}})
        self.plant = MovingPlant(self.config)
        script = FaultsConfig(name="test", faults=faults)
        self.emulated = EmulatedRobot(self.config, self.plant, script, seed=seed)
        self.clock = VirtualClock()
        self.transports = lockstep_transports(self.emulated, self.clock)
        self.imus = RobotImus(self.config.imus, {name: self.transports[name] for name in self.config.imus}, self.clock)
        self.state = ImuState.empty(len(self.config.imus))
        self.unit = self.emulated.imus["trunk"].unit

    def opened(self) -> "Rig":
        self.imus.open()
        return self

    def ticks(self, count: int, period_ns: int = 10 * MS) -> list[ImuFault]:
        faults = []
        for _ in range(count):
            self.clock.sleep_until_ns(self.clock.now_ns() + period_ns)
            self.imus.read(self.state)
            faults.append(ImuFault(int(self.state.faults[0])))
        return faults


def test_a_factory_unit_is_configured_once_and_saves_it():
    rig = Rig().opened()
    assert len(rig.imus.notices) == 1
    assert "200 Hz" in rig.imus.notices[0]
    rig.unit.boot()
    again = RobotImus(rig.config.imus, rig.transports, rig.clock)
    again.open()
    assert again.notices == []


@pytest.mark.parametrize("mounting", [("0 rad", "0 rad", "0 rad"), ("0.3 rad", "-1.1 rad", "2.5 rad")])
def test_readings_are_the_body_s_motion_within_the_unit_s_noise(mounting):
    rig = Rig(units={"trunk": imu(mounting=mounting)}).opened()
    body = Mounting(0.4, -0.2, 1.0).quaternion
    rig.plant.motion = Motion(body, (1.0, -2.0, 3.0), (1.0, 2.0, 9.0))
    assert rig.ticks(3)[-1] == ImuFault(0)
    np.testing.assert_allclose(rig.state.angular_velocity[0], [1.0, -2.0, 3.0], atol=NOISE)
    np.testing.assert_allclose(rig.state.linear_acceleration[0], [1.0, 2.0, 9.0], atol=NOISE)
    # One rotation has two quaternions.
    assert abs(np.dot(rig.state.orientation[0], body)) == pytest.approx(1.0, abs=1e-4)


def test_the_newest_sample_wins_and_is_no_older_than_its_period():
    rig = Rig().opened()
    for tick in range(20):
        rig.plant.motion = Motion((1.0, 0.0, 0.0, 0.0), (0.1 * tick, 0.0, 0.0), (0.0, 0.0, 9.81))
        rig.ticks(1, 20 * MS)
        assert rig.state.fresh[0]
        assert rig.state.angular_velocity[0, 0] == pytest.approx(0.1 * tick, abs=NOISE)
        assert rig.state.stamp_ns[0] == rig.clock.now_ns()


def test_reading_does_not_wait():
    rig = Rig().opened()
    before = rig.clock.now_ns()
    rig.imus.read(rig.state)
    rig.imus.read(rig.state)
    assert rig.clock.now_ns() == before


def test_several_units_have_separate_ports():
    units = {"trunk": imu(), "head": imu(rate="100 Hz", mounting=("0 deg", "0 deg", "180 deg"))}
    rig = Rig(units=units).opened()
    rig.plant.motion = Motion((1.0, 0.0, 0.0, 0.0), (1.0, 2.0, 3.0), (0.0, 0.0, 9.81))
    rig.ticks(5)
    np.testing.assert_allclose(rig.state.angular_velocity, [[1.0, 2.0, 3.0]] * 2, atol=NOISE)
    assert (rig.state.faults == 0).all()


@pytest.mark.parametrize("rate", ["1 Hz", "10 Hz", "50 Hz", "100 Hz", "200 Hz"])
def test_samples_arrive_at_the_configured_rate(rate):
    rig = Rig(units={"trunk": imu(rate=rate, stale_after="2 s")}).opened()
    fresh = 0
    for _ in range(2000):
        rig.ticks(1, 2 * MS)
        fresh += bool(rig.state.fresh[0])
    assert fresh == pytest.approx(4 * float(rate.split()[0]), abs=1)


def test_a_line_too_slow_for_the_rate_skips_samples():
    rig = Rig(units={"trunk": imu(baudrate="9600 baud", rate="10 Hz", stale_after="1 s")}).opened()
    for command in ((Register.KEY, 0xB588), (Register.RETURN_RATE, 0x0B)):
        rig.transports["trunk"].write(encode_command(*command))
    fresh = 0
    for _ in range(1000):
        rig.ticks(1, 2 * MS)
        fresh += bool(rig.state.fresh[0])
    # 33 bytes at 960 bytes/s take 34.4 ms: the next multiple of 5 ms is 35.
    assert fresh == pytest.approx(2.0 / 0.035, abs=2)


@pytest.mark.parametrize(
    ("updates", "said"),
    [
        ({"rate": "30 Hz"}, "does not support a rate of 30 Hz; valid: 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200"),
        ({"baudrate": "1 Mbaud"}, "does not support 1000000 baud; valid: 4800, 9600"),
        ({"baudrate": "57600 baud"}, "200 samples per second of 33 bytes need 66000 baud; it has 57600"),
    ],
)
def test_unsupported_settings_are_refused_before_anything_is_sent(updates, said):
    with pytest.raises(HardwareError, match=said):
        Rig(units={"trunk": imu(**updates)})


def test_a_unit_at_another_baud_rate_is_not_found_and_the_message_says_what_to_check():
    rig = Rig()
    rig.unit.restore({f"{Register.BAUD:#x}": BAUD_CODES[9600]})
    with pytest.raises(HardwareError, match=r"no answer from IMU 'trunk' at 115200 baud.*9600"):
        rig.imus.open()


def test_a_unit_that_does_not_accept_its_settings_is_refused():
    rig = Rig()
    receive = rig.unit.receive
    rig.unit.receive = lambda data, now_ns: receive(data, now_ns) if data[2] == Register.READ_ADDRESS else b""
    with pytest.raises(HardwareError, match="IMU 'trunk' did not accept content and rate"):
        rig.imus.open()


def mute(rig: Rig) -> list[bytes]:
    """Let the unit answer no question; return what it receives."""
    received, receive = [], rig.unit.receive
    rig.unit.receive = lambda data, now_ns: received.append(bytes(data)) or (receive(data, now_ns) and b"")
    return received


def test_a_unit_that_does_not_tell_its_settings_costs_no_write():
    rig = Rig().opened()  # it sends what is needed
    received = mute(rig)
    rig.imus.open()
    question = encode_command(Register.READ_ADDRESS, Register.RETURN_CONTENT)
    assert set(received) == {question}
    assert "nothing was written" in rig.imus.notices[-1]
    assert rig.ticks(3)[-1] == ImuFault(0)


def test_a_unit_that_neither_tells_its_settings_nor_sends_what_is_needed_is_refused_unwritten():
    rig = Rig()
    mute(rig)
    with pytest.raises(HardwareError, match="does not tell its settings"):
        rig.imus.open()
    assert rig.imus.settings_written == 0


def test_an_imu_without_a_port_is_named():
    with pytest.raises(HardwareError, match="no port for IMU 'trunk'"):
        RobotImus({"trunk": imu()}, {}, VirtualClock())


def test_an_overflowed_buffer_is_discarded():
    rig = Rig().opened()
    rig.clock.sleep_until_ns(rig.clock.now_ns() + 1_000 * MS)
    rig.imus.read(rig.state)
    assert not rig.state.fresh[0]
    assert rig.state.faults[0] == ImuFault.STALE
    assert rig.ticks(2)[-1] == ImuFault(0)


def test_after_a_pause_within_the_buffer_the_newest_sample_is_used():
    rig = Rig().opened()
    rig.clock.sleep_until_ns(rig.clock.now_ns() + 400 * MS)
    rig.emulated.advance_to(rig.clock.now_ns())
    rig.plant.motion = Motion((1.0, 0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (0.0, 0.0, 9.81))
    assert rig.ticks(1) == [ImuFault(0)]
    assert rig.state.angular_velocity[0, 0] == pytest.approx(2.0, abs=NOISE)


# --- faults


def begin(rig: Rig) -> None:
    rig.opened()
    rig.emulated.faults.start(rig.clock.now_ns())


def test_a_frozen_unit_is_detected_in_time_and_recovers():
    rig = Rig(ImuFaultConfig(kind="imu_frozen", imu="trunk", start="0.5 s", duration="0.5 s"))
    begin(rig)
    faults = rig.ticks(150)
    assert not any(faults[:59])
    assert all(fault == ImuFault.FROZEN for fault in faults[61:99])
    assert not any(faults[102:])


def test_a_broken_sensor_is_implausible_then_stale_and_its_values_are_not_used():
    rig = Rig(ImuFaultConfig(kind="imu_nan", imu="trunk", start="0.5 s", duration="0.5 s"))
    begin(rig)
    faults = rig.ticks(99)
    assert not any(faults[:49])
    assert all(ImuFault.IMPLAUSIBLE in fault for fault in faults[51:])
    assert all(ImuFault.STALE in fault for fault in faults[62:])
    np.testing.assert_allclose(rig.state.angular_velocity[0], 0.0, atol=NOISE)
    assert rig.state.orientation[0, 0] == pytest.approx(1.0, abs=1e-3)
    assert not any(rig.ticks(10)[3:])


def test_a_spinning_unit_reports_a_consistent_rotation():
    rig = Rig(ImuFaultConfig(kind="imu_spinning", imu="trunk"))
    begin(rig)
    rig.ticks(2)
    before, stamp_ns = rig.state.orientation[0].copy(), int(rig.state.stamp_ns[0])
    rig.ticks(1)
    rate, elapsed = rig.state.angular_velocity[0, 2], (int(rig.state.stamp_ns[0]) - stamp_ns) * 1e-9
    assert rate == pytest.approx(math.radians(500.0), abs=NOISE)
    turned = 2.0 * math.acos(min(1.0, abs(float(np.dot(before, rig.state.orientation[0])))))
    assert turned == pytest.approx(rate * elapsed, abs=0.01)


def test_an_unplugged_unit_is_stale_at_once_and_returns_with_its_settings():
    rig = Rig(UnplugFaultConfig(kind="unplug", bus="trunk", start="0.5 s", duration="0.5 s"))
    begin(rig)
    faults = rig.ticks(150)
    assert not any(faults[:49])
    assert all(fault == ImuFault.STALE for fault in faults[51:99])
    assert not any(faults[104:])


def test_an_unplugged_bus_does_not_affect_the_imu():
    rig = Rig(UnplugFaultConfig(kind="unplug", bus="main", start="0.1 s", duration="0.5 s"))
    begin(rig)
    assert not any(rig.ticks(50))
    assert rig.emulated.snapshot()["buses"]["main"]["plugged"] is False


def test_a_damaged_byte_costs_one_sample():
    rig = Rig().opened()
    line = rig.emulated.imus["trunk"]
    whole = line.unit.sample

    def damaged(motion, now_ns):
        data = bytearray(whole(motion, now_ns))
        data[17] ^= 4  # in the rate frame
        return bytes(data)

    line.unit.sample = damaged
    rig.ticks(1, 5 * MS)
    line.unit.sample = whole
    stamps = rig.state.stamp_ns[0]
    assert not rig.state.fresh[0] or rig.state.faults[0] == 0
    rig.ticks(2, 5 * MS)
    assert rig.state.fresh[0]
    assert rig.state.stamp_ns[0] > stamps
    assert rig.imus.units[0].decoder.corrupt >= 1


def test_lockstep_is_deterministic_and_another_seed_gives_other_noise():
    def run(seed: int) -> bytes:
        rig = Rig(seed=seed).opened()
        rig.ticks(20)
        return rig.state.angular_velocity.tobytes() + rig.state.orientation.tobytes()

    assert run(1) == run(1)
    assert run(1) != run(2)


# --- the robot


def test_the_robot_s_hardware_reads_joints_and_imus():
    rig = Rig()
    hardware = RobotHardware(rig.config, rig.transports, rig.clock)
    hardware.open()
    joints, imus = JointState.empty(1), ImuState.empty(1)
    rig.clock.sleep_until_ns(rig.clock.now_ns() + 10 * MS)
    hardware.read(joints)
    hardware.read_imus(imus)
    assert joints.fresh.all()
    assert imus.fresh.all()
    assert any("IMU 'trunk'" in notice for notice in hardware.notices)
    hardware.close()
    hardware.read_imus(imus)
    assert imus.faults[0] == ImuFault.STALE


def test_a_robot_with_a_missing_imu_does_not_open():
    rig = Rig()
    rig.emulated.imus["trunk"].plug(False)
    with pytest.raises(HardwareError):
        RobotHardware(rig.config, rig.transports, rig.clock).open()


def with_ports(config: RobotConfig, ports: dict[str, str]) -> RobotConfig:
    return config.model_copy(update={"imus": {"trunk": imu(port=ports["trunk"])}})


@pytest.mark.realtime
def test_the_unit_is_configured_and_read_in_real_time_over_a_pty():
    config = robot_of().model_copy(update={"imus": {"trunk": imu()}})
    with serving(config) as server:
        clock = MonotonicClock()
        assert set(server.ports) == {"main", "trunk"}
        hardware = RobotHardware(config, open_serial_ports(config, server.ports, clock), clock)
        hardware.open()
        state, deadline = ImuState.empty(1), time.monotonic() + 10.0
        seen = 0
        while seen < 20 and time.monotonic() < deadline:
            hardware.read_imus(state)
            seen += bool(state.fresh[0])
            time.sleep(0.002)
        assert seen == 20
        np.testing.assert_allclose(state.linear_acceleration[0], [0.0, 0.0, 9.81], atol=NOISE)
        hardware.close()


def test_ports_of_imus_are_named_like_those_of_buses():
    config = robot_of().model_copy(update={"imus": {"trunk": imu()}})
    with pytest.raises(HardwareError, match="has no bus or IMU 'tail'; valid: main, trunk"):
        open_serial_ports(config, {"tail": "/dev/null"}, MonotonicClock())
    only_imu = config.model_copy(update={"joints": {}, "imus": {"trunk": imu()}})
    with pytest.raises(HardwareError, match="no port for IMU 'trunk': give its path"):
        open_serial_ports(only_imu, {}, MonotonicClock())


def test_only_the_frames_of_a_sample_complete_it():
    rig = Rig().opened()
    unit = rig.imus.units[0]
    frames = {int(kind) for kind in (FrameType.ACCELERATION, FrameType.ANGULAR_VELOCITY, FrameType.QUATERNION)}
    sent: list[int] = []
    feed = unit.decoder.feed

    def noting(data: memoryview) -> list[Frame]:
        arrived = feed(data)
        sent.extend(frame.type for frame in arrived)
        return arrived

    unit.decoder.feed = noting
    rig.ticks(4)
    assert set(sent) == frames


@pytest.mark.parametrize("kind", ["lose_reply", "corrupt_reply", "truncate_reply", "duplicate_reply"])
def test_on_a_bad_line_samples_are_lost_but_never_wrong(kind):
    rig = Rig(ReplyFaultConfig(kind=kind, bus="trunk", probability=0.2))
    rig.plant.motion = Motion((1.0, 0.0, 0.0, 0.0), (1.0, -2.0, 3.0), (0.0, 0.0, 9.81))
    begin(rig)
    fresh = 0
    for _ in range(1000):
        rig.ticks(1, 5 * MS)
        fresh += bool(rig.state.fresh[0])
        np.testing.assert_allclose(rig.state.angular_velocity[0], [1.0, -2.0, 3.0], atol=NOISE)
        np.testing.assert_allclose(rig.state.orientation[0], [1.0, 0.0, 0.0, 0.0], atol=0.01)
    assert rig.emulated.faults.injected[kind] > 150
    assert 600 < fresh <= 1000


def test_a_sample_is_never_made_of_two_with_a_gap_between():
    # The frames around a damaged stretch of three are in the order of a sample.
    motions = [(1.0, -2.0, 3.0), (-1.0, 2.0, -3.0)]
    for kept in (1, 2):  # frames of the first sample before the damage
        rig = Rig().opened()
        unit, feed = rig.imus.units[0], rig.imus.units[0].decoder.feed
        sent: list[bytes] = []

        def noting(data: memoryview, sent: list[bytes] = sent, feed=feed) -> list[Frame]:
            sent.append(bytes(data))
            return feed(data)

        unit.decoder.feed = noting
        for rates in motions:
            rig.plant.motion = Motion((1.0, 0.0, 0.0, 0.0), rates, (0.0, 0.0, 9.81))
            rig.ticks(4)
        unit.decoder.feed = feed
        data = b"".join(sent)
        stream = data[:33] + data[-33:]
        damaged = stream[: 11 * kept] + bytes(33) + stream[11 * kept + 33 :]
        assert [frame.type for frame in feed(damaged)] == [
            FrameType.ACCELERATION,
            FrameType.ANGULAR_VELOCITY,
            FrameType.QUATERNION,
        ]
        chunks = [damaged]

        def arrive(buffer: memoryview, _: int, chunks: list[bytes] = chunks) -> int:
            data = chunks.pop() if chunks else b""
            buffer[: len(data)] = data
            return len(data)

        rig.transports["trunk"].read_into = arrive
        assert unit.read() is None


def test_late_samples_stay_in_order():
    rig = Rig(DelayFaultConfig(kind="delay_reply", bus="trunk", probability=0.3, delay="12 ms"))
    begin(rig)
    for tick in range(200):
        rig.plant.motion = Motion((1.0, 0.0, 0.0, 0.0), (0.1 * tick, 0.0, 0.0), (0.0, 0.0, 9.81))
        before = rig.state.angular_velocity[0, 0]
        rig.ticks(1, 5 * MS)
        if tick > 4:
            assert rig.state.angular_velocity[0, 0] >= before - NOISE
            assert rig.state.angular_velocity[0, 0] >= 0.1 * (tick - 4) - NOISE
