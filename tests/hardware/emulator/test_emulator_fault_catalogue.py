"""Laws of the faults of instructions, ids, encoders and supply: each acts like on hardware, and is counted."""

import numpy as np
import pytest
from emulated import MS, Bench, HeldPlant
from pydantic import TypeAdapter

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.dynamixel.frame import Instruction
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot


def bench_with(*entries: dict, seed: int = 0, **options) -> Bench:
    config = {"name": "test", "seed": seed, "faults": list(entries)}
    bench = Bench(faults=TypeAdapter(FaultsConfig).validate_python(config), **options)
    bench.write("torque_enable", 1)
    return bench


def counts(bench: Bench) -> int:
    return bench.motor.read_register("present_position")


@pytest.mark.parametrize("kind", ["lose_instruction", "corrupt_instruction"])
def test_a_lost_instruction_is_not_executed_and_is_counted(kind):
    bench = bench_with({"kind": kind, "start": "100 ms", "duration": "200 ms"})
    bench.wait(0.12)
    assert bench.ask(Instruction.WRITE, bench.value("led", 1)) is None
    assert bench.motor.read_register("led") == 0
    assert bench.emulated.faults.injected[kind] == 1
    bench.wait(0.3)
    bench.write("led", 1)
    assert bench.motor.read_register("led") == 1


def test_two_motors_with_one_id_reply_together_and_damage_each_other():
    bench = bench_with({"kind": "duplicate_id", "joint": "pivot", "duration": "1 s"}, plant=HeldPlant)
    bench.emulated.plant.position[:] = 1.0
    assert bench.ask(Instruction.PING) is None  # equal, but not at the same instant
    assert bench.heard
    assert bench.ask(Instruction.WRITE, bench.value("led", 1)) is None  # both execute it
    assert bench.motor.read_register("led") == 1
    bench.motor.memory.set("led", 0)
    assert bench.ask(Instruction.READ, bench.block("led")) is None
    bench.wait(1.0)
    assert bench.ask(Instruction.READ, bench.block("led")).value == 0
    assert bench.emulated.faults.injected["duplicate_id"] == 1


def test_a_second_motor_with_an_id_damages_that_id_in_a_group_read():
    bench = bench_with({"kind": "duplicate_id", "joint": "joint2"}, joints=3)
    bench.emulated.motors["joint2"].memory.set("led", 1)
    bench.send(Instruction.SYNC_READ, bench.block("led") + bytes((1, 2, 3)), to=0xFE)
    assert [reply.id for reply in bench.listen()] == [1, 3]


def test_a_jumping_encoder_jumps_within_its_bound_at_its_period_and_recovers():
    entry = {"kind": "jumping_encoder", "joint": "pivot", "jump": "0.4 rad", "period": "20 ms", "duration": "1 s"}
    bench = bench_with(entry, plant=HeldPlant)
    seen = []
    for _ in range(40):
        bench.wait(0.02)
        bench.emulated.sense()
        seen.append(bench.motor.shaft.angle - bench.config.joints["pivot"].zero)
    assert len(set(np.round(seen, 6))) > 30
    assert 0.2 < max(map(abs, seen)) <= 0.4
    bench.wait(0.5)
    bench.emulated.sense()
    assert bench.motor.shaft.angle == pytest.approx(bench.config.joints["pivot"].zero)
    assert bench.emulated.faults.injected["jumping_encoder"] == 50


def test_jumps_follow_from_the_seed():
    def run(seed: int) -> list[int]:
        bench = bench_with({"kind": "jumping_encoder", "joint": "pivot"}, plant=HeldPlant, seed=seed)
        seen = []
        for _ in range(10):
            bench.wait(0.1)
            bench.emulated.sense()
            seen.append(counts(bench))
        return seen

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_a_brown_out_is_a_voltage_alarm_and_ends():
    bench = bench_with({"kind": "brown_out", "voltage": "7 V", "start": "50 ms", "duration": "500 ms"})
    bench.wait(0.2)
    assert bench.motor.read_register("present_input_voltage") == 70
    assert bench.motor.faults & 0x01
    bench.wait(0.5)
    assert bench.motor.read_register("present_input_voltage") == pytest.approx(120, abs=1)


def test_motors_without_voltage_are_off_and_restart():
    bench = bench_with({"kind": "brown_out", "voltage": "2 V", "start": "50 ms", "duration": "300 ms"})
    bench.wait(0.1)
    assert bench.ask(Instruction.PING) is None
    assert not bench.motor.torque_enabled
    bench.wait(0.6)
    assert bench.ask(Instruction.PING) is not None
    assert not bench.motor.torque_enabled


def test_a_fault_of_a_missing_imu_is_refused():
    script = TypeAdapter(FaultsConfig).validate_python(
        {"name": "test", "faults": [{"kind": "imu_nan", "imu": "trunk"}]}
    )
    pendulum = load_robot("pendulum")
    with pytest.raises(UserError, match="valid: none"):
        EmulatedRobot(pendulum, InertiaPlant(pendulum), script)


def test_a_fault_of_an_imu_lasts_for_its_duration():
    robot = load_robot("quadruped")
    entry = {"kind": "imu_frozen", "imu": "trunk", "start": "0.1 s", "duration": "0.1 s"}
    script = TypeAdapter(FaultsConfig).validate_python({"name": "test", "faults": [entry]})
    emulated = EmulatedRobot(robot, InertiaPlant(robot), script)
    emulated.faults.start(0)
    told = []
    for time_ms in (50, 150, 250):
        emulated.advance_to(time_ms * MS)
        told.append(emulated.imus["trunk"].unit.fault)
    assert told == ["", "imu_frozen", ""]
