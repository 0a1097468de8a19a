"""Laws of the Feetech workbench, in lockstep."""

import math

import pytest
from feetech_bench import MOTOR, TABLE, Bench

from sim2real.configs.load import load_motor
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.feetech.register_text import register_text
from sim2real.hardware.feetech.workbench import FeetechWorkbench, motor_types
from sim2real.hardware.workbench.change import change_baudrate, change_id


@pytest.fixture
def bench() -> Bench:
    return Bench(3)


@pytest.fixture
def bus(bench) -> FeetechWorkbench:
    return FeetechWorkbench(bench.transport, bench.clock)


def test_scan_finds_all_motors_at_their_baud_rate_only(bus):
    found = bus.scan(1_000_000)
    assert [motor.id for motor in found] == [1, 2, 3]
    assert {(motor.protocol, motor.baudrate, motor.model_number, motor.model, motor.firmware) for motor in found} == {
        ("feetech", 1_000_000, 777, "STS3215", "3.6")
    }
    assert bus.scan(500_000) == []


def test_registers_are_the_whole_table_with_texts(bus):
    assert bus.find(2, 1_000_000).id == 2
    readings = {reading.name: reading for reading in bus.registers(2)}
    assert list(readings) == [register.name for register in TABLE]
    assert readings["present_position"].value == 2048
    assert readings["present_position"].text == f"{math.pi:.4f} rad"
    assert readings["baud_rate"].text == "1000000 baud"
    assert readings["unloading_condition"].text == "overheating, overload"
    assert readings["operating_mode"].text == "position"


def test_every_register_has_a_text_for_any_value():
    for register in TABLE:
        for value in (register.minimum, register.maximum, 1):
            assert isinstance(register_text(MOTOR, register, value, 12), str)


def test_the_reading_is_what_the_motor_measures(bench, bus):
    bench.plant.position[0] = 0.5
    reading = bus.reading(1)
    assert reading.position == pytest.approx(math.pi + 0.5, abs=1e-3)
    assert (reading.velocity, reading.effort) == (0.0, 0.0)
    assert reading.voltage == pytest.approx(12.0)
    assert reading.temperature == pytest.approx(25.0)


def test_power_up_position_excludes_turns(bench, bus):
    bench.motor.memory.set("phase", 12 | 16)
    bench.motor.boot(0, boot_ns=0)
    bench.plant.position[0] = 2 * math.pi
    assert bus.reading(1).position == pytest.approx(3 * math.pi, abs=2e-3)
    assert bus.power_up_position(1) == pytest.approx(math.pi, abs=2e-3)


def test_id_and_baud_rate_survive_a_power_cycle(bench, bus):
    change_id(bus, bus.find(3, 1_000_000), 9)
    change_baudrate(bus, bus.find(9, 1_000_000), 115_200)
    motor = bench.emulated.motors["joint3"]
    assert motor.memory.get("lock") == 1
    motor.boot(bench.clock.now_ns(), boot_ns=0)
    assert (motor.id, motor.baudrate) == (9, 115_200)
    assert bus.find(9, 115_200) is not None
    with pytest.raises(HardwareError, match="valid"):
        bus.write_baudrate(9, 2_000_000)


def test_eeprom_is_not_written_under_torque_and_a_taken_id_is_refused(bench, bus):
    with pytest.raises(HardwareError, match="taken"):
        change_id(bus, bus.find(3, 1_000_000), 2)
    bench.write("torque_enable", 1, to=3)
    with pytest.raises(HardwareError, match="torque"):
        change_id(bus, bus.find(3, 1_000_000), 9)


def test_reboot_restarts_a_motor_with_torque_off_and_overload_cleared(bench, bus):
    bench.write("torque_enable", 1)
    bench.motor.overload()
    assert bench.read("status") == 32
    bus.reboot(1)
    assert not bus.torque_enabled(1)
    assert bench.read("status") == 0
    bench.emulated.electrics.supplies[None].set_nominal(15.0)
    bench.wait(0.05)
    with pytest.raises(HardwareError, match="persists: remove its cause"):
        bus.reboot(1)


def test_a_new_motor_has_no_problems_and_a_bad_one_gets_advice(bench, bus):
    found = bus.find(1, 1_000_000)
    assert all(finding.ok and not finding.advice for finding in bus.findings(found) if finding.what != "watchdog")
    bench.motor.memory.set("unloading_condition", 0)
    bench.motor.memory.set("return_delay_time", 250)
    bench.motor.commit()
    bench.motor.overload()
    findings = {finding.what: finding for finding in bus.findings(found)}
    assert not findings["alarm"].ok
    assert "reboot" in findings["alarm"].advice
    assert not findings["protections"].ok
    assert findings["return delay"].ok
    assert findings["return delay"].advice


def test_versions_of_one_model_are_distinguished_by_their_voltage(bench, bus):
    def advice(bus: FeetechWorkbench) -> str:
        found = bus.find(1, 1_000_000)
        return next(finding.advice for finding in bus.findings(found) if finding.what == "highest voltage")

    bench.motor.memory.set("max_voltage_limit", 150)
    assert advice(bus).startswith("sts3215_12v is rated for up to 14.0 V")
    config = bench.config
    low = {name: joint.model_copy(update={"motor": load_motor("sts3215_7v4")}) for name, joint in config.joints.items()}
    emulated = EmulatedRobot(config.model_copy(update={"joints": low, "supply_voltage": 7.4}), bench.plant)
    emulated.motors["pivot"].memory.set("max_voltage_limit", 95)
    other = FeetechWorkbench(lockstep_transports(emulated, bench.clock)["main"], bench.clock)
    assert advice(other).startswith("sts3215_7v4 is rated for up to 8.0 V")


def test_an_unknown_model_and_a_missing_motor_are_one_line(bench, bus):
    with pytest.raises(HardwareError, match=r"no memory table.*STS3215"):
        motor_types(1)
    with pytest.raises(HardwareError, match="does not answer"):
        bus.registers(9)
