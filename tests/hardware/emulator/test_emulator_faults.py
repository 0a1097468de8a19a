"""Laws of the emulator's faults: they start with torque, follow from the seed, and are counted."""

import numpy as np
import pytest
from emulated import MS, Bench, HeldPlant
from pydantic import TypeAdapter

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.dynamixel.frame import ALERT, Instruction
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import PortLostError


def faults(*entries: dict, seed: int = 0) -> FaultsConfig:
    return TypeAdapter(FaultsConfig).validate_python({"name": "test", "seed": seed, "faults": list(entries)})


def bench_with(*entries: dict, seed: int = 0, **options) -> Bench:
    return Bench(faults=faults(*entries, seed=seed), **options)


def torque_on(bench: Bench) -> None:
    """Switch torque on, even if the reply is lost."""
    bench.send(Instruction.WRITE, bench.value("torque_enable", 1))
    bench.listen()
    assert bench.motor.torque_enabled


def pings(bench: Bench, count: int) -> list[bool]:
    return [bench.ask(Instruction.PING) is not None for _ in range(count)]


def test_no_fault_occurs_before_torque_is_on():
    bench = bench_with({"kind": "lose_reply"})
    assert all(pings(bench, 20))
    torque_on(bench)
    assert not any(pings(bench, 20))


def test_lost_replies_follow_their_probability_and_are_counted():
    bench = bench_with({"kind": "lose_reply", "probability": 0.3})
    torque_on(bench)
    before = bench.emulated.faults.injected["lose_reply"]
    heard = pings(bench, 400)
    assert bench.emulated.faults.injected["lose_reply"] - before == heard.count(False)
    assert 80 < heard.count(False) < 160


@pytest.mark.parametrize("kind", ["lose_reply", "corrupt_reply", "truncate_reply", "duplicate_reply"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(kind):
    def run(seed: int) -> bytes:
        bench = bench_with({"kind": kind, "probability": 0.5}, seed=seed)
        torque_on(bench)
        bench.heard.clear()
        for _ in range(40):
            bench.send(Instruction.PING)
            bench.listen(2 * MS)
        return bytes(bench.heard)

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_corrupt_and_truncated_replies_are_not_packets():
    for kind in ("corrupt_reply", "truncate_reply"):
        bench = bench_with({"kind": kind})
        torque_on(bench)
        assert not any(pings(bench, 20))
        assert bench.emulated.faults.injected[kind] == 21


def test_a_duplicated_reply_arrives_twice():
    bench = bench_with({"kind": "duplicate_reply"})
    torque_on(bench)
    bench.send(Instruction.PING)
    assert len(bench.listen()) == 2


def test_a_delayed_reply_arrives_late_and_survives_the_next_instruction():
    bench = bench_with({"kind": "delay_reply", "delay": "30 ms", "duration": "1 s"})
    torque_on(bench)
    bench.listen(50 * MS)
    start_ns = bench.clock.now_ns()
    bench.send(Instruction.PING)
    bench.wait(0.005)  # it is in the adapter
    assert bench.ask(Instruction.READ, bench.block("led")) is None
    late = bench.listen()
    assert [len(reply.data) for reply in late] == [3, 1]
    assert late[0].arrived_ns - start_ns == 30 * MS + 740_000


def test_fault_ends_after_its_duration():
    bench = bench_with({"kind": "lose_reply", "start": "100 ms", "duration": "200 ms"})
    bench.write("torque_enable", 1)
    assert all(pings(bench, 3))
    bench.wait(0.1)
    assert not any(pings(bench, 3))
    bench.wait(0.2)
    assert all(pings(bench, 3))


def test_a_fault_of_another_bus_does_not_affect_this_one():
    script = faults({"kind": "lose_reply", "bus": "other"})
    robot = load_robot("pendulum")
    with pytest.raises(UserError, match="valid: main"):
        EmulatedRobot(robot, InertiaPlant(robot), script)


def test_a_silent_motor_neither_receives_nor_replies_and_its_watchdog_stops_it():
    bench = bench_with({"kind": "silent", "joint": "pivot", "start": "50 ms"}, joints=2)
    bench.torque_on(0)
    bench.write("goal_current", 100)
    bench.write("bus_watchdog", 5)
    bench.wait(0.05)
    start_ns = bench.clock.now_ns()
    while bench.clock.now_ns() - start_ns < 130 * MS:
        assert bench.ask(Instruction.PING, to=1) is None
        assert bench.ask(Instruction.PING, to=2) is not None
    assert bench.motor.watchdog_tripped
    assert not bench.motor.driven
    assert bench.emulated.faults.injected == {"silent": 1}


def test_stuck_encoder_shows_no_motion():
    bench = bench_with({"kind": "stuck_encoder", "joint": "pivot", "duration": "1 s"}, plant=HeldPlant)
    bench.write("torque_enable", 1)
    bench.emulated.plant.velocity[0] = 2.0
    bench.wait(0.5)
    assert (bench.read("present_position"), bench.read("present_velocity")) == (2048, 0)
    bench.wait(0.6)
    assert bench.read("present_position") > 2048 + 1000


@pytest.mark.parametrize(("kind", "bit"), [("overheat", 0x04), ("overload", 0x20)])
def test_overheat_and_overload_shut_the_motor_down(kind, bit):
    bench = bench_with({"kind": kind, "joint": "pivot", "start": "10 ms"})
    bench.write("torque_enable", 1)
    bench.wait(0.05)
    reply = bench.ask(Instruction.READ, bench.block("hardware_error_status"))
    assert (reply.error, reply.value) == (ALERT, bit)
    assert bench.read("torque_enable") == 0 if reply.error == 0 else not bench.motor.torque_enabled
    if kind == "overheat":
        assert bench.motor.read_register("present_temperature") >= 80


def test_a_power_cycle_resets_ram_and_keeps_eeprom():
    bench = bench_with({"kind": "power_cycle", "joint": "pivot", "start": "10 ms"})
    bench.write("return_delay_time", 0)
    bench.write("led", 1)
    bench.write("torque_enable", 1)
    bench.wait(0.02)
    assert not bench.motor.torque_enabled
    assert bench.ask(Instruction.PING) is None
    bench.wait(0.2)
    assert (bench.read("led"), bench.read("return_delay_time")) == (0, 0)


def test_an_unplugged_port_is_lost_until_replugged_and_the_watchdog_stops_the_motor():
    bench = bench_with({"kind": "unplug", "bus": "main", "start": "10 ms", "duration": "500 ms"})
    bench.torque_on(0)
    bench.write("goal_current", 50)
    bench.write("bus_watchdog", 5)
    bench.wait(0.02)
    for act in (
        lambda: bench.transport.write(b"\x00"),
        lambda: bench.transport.read_into(memoryview(bytearray(8)), bench.clock.now_ns() + MS),
        bench.transport.drain,
        lambda: bench.transport.set_baudrate(57_600),
    ):
        with pytest.raises(PortLostError, match="main"):
            act()
    bench.wait(0.1)
    assert bench.motor.watchdog_tripped
    bench.wait(0.5)
    assert bench.ask(Instruction.PING) is not None


def test_a_port_that_vanishes_during_a_wait_is_noticed():
    bench = bench_with({"kind": "unplug", "start": "10 ms"})
    bench.write("torque_enable", 1)
    with pytest.raises(PortLostError):
        bench.transport.read_into(memoryview(bytearray(8)), bench.clock.now_ns() + 10_000 * MS)
    assert bench.clock.now_ns() < 20 * MS


def test_two_runs_are_byte_identical():
    def run() -> tuple[bytes, dict, int]:
        bench = bench_with(
            {"kind": "corrupt_reply", "probability": 0.1},
            {"kind": "delay_reply", "probability": 0.1, "delay": "3 ms"},
            {"kind": "stuck_encoder", "joint": "joint2", "start": "300 ms"},
            seed=5,
            joints=3,
        )
        bench.torque_on(0)
        goals = np.random.default_rng(0).integers(-100, 100, 200)
        for goal in goals:
            bench.send(Instruction.WRITE, bench.value("goal_current", int(goal)))
            bench.listen(MS)
            bench.sync_read("present_position", [1, 2, 3])
        return bytes(bench.heard), bench.emulated.snapshot(), bench.clock.now_ns()

    assert run() == run()


def test_the_step_size_of_the_caller_changes_nothing():
    def run(step_ns: int) -> dict:
        bench = Bench()
        bench.torque_on(0)
        bench.write("goal_current", 30)
        bench.write("bus_watchdog", 10)
        for now_ns in range(bench.clock.now_ns(), 400 * MS, step_ns):
            bench.emulated.advance_to(now_ns)
        bench.emulated.advance_to(400 * MS)
        return bench.emulated.snapshot()

    assert run(77_777) == run(50 * MS) == run(400 * MS)
