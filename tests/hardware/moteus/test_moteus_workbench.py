"""Laws of the moteus workbench, in lockstep."""

import math

import pytest
from moteus_bench import LineBench

from sim2real.hardware.errors import HardwareError
from sim2real.hardware.moteus.firmware.console import Console
from sim2real.hardware.moteus.tables import Fault, Mode
from sim2real.hardware.moteus.workbench import MoteusWorkbench
from sim2real.hardware.workbench.change import change_baudrate, change_id

SPEED = 921_600


@pytest.fixture
def bench() -> LineBench:
    return LineBench(3)


@pytest.fixture
def bus(bench) -> MoteusWorkbench:
    return MoteusWorkbench(bench.transport, bench.clock)


def test_scan_finds_all_controllers(bus):
    found = bus.scan(SPEED)
    assert [motor.id for motor in found] == [1, 2, 3]
    assert {(m.protocol, m.baudrate, m.model, m.firmware) for m in found} == {("moteus", SPEED, "moteus", "0.1.9")}


def test_missing_controllers_are_not_found(bench, bus):
    assert bus.find(9, SPEED) is None
    bench.emulated.lines["main"].protocol.replies_to = lambda *_: []
    assert bus.scan(SPEED) == []
    assert bus.find(1, SPEED) is None
    with pytest.raises(HardwareError, match="does not answer"):
        bus.reading(1)


def test_registers_have_names_values_and_texts(bench, bus):
    bench.motors[0].raise_fault(Fault.ENCODER)
    bench.plant.position[0] = 2 * math.pi * 0.250004
    rows = {row.name: row for row in bus.registers(1)}
    assert (rows["mode"].text, rows["fault"].text) == ("fault", "encoder (35)")
    assert (rows["position"].value, rows["position"].text) == (25_000, "0.25 rev")
    assert rows["maximum_torque"].text == "none"
    assert rows["firmware_version"].value == 0x000109
    assert "set_output_exact" not in rows


def test_reading_and_power_up_position(bench, bus):
    bench.plant.position[1] = 2 * math.pi * 1.25
    reading = bus.reading(2)
    assert reading.position == pytest.approx(2 * math.pi * 1.25, abs=1e-5)
    assert (reading.velocity, reading.effort, reading.voltage, reading.temperature) == (0.0, 0.0, 24.0, 25.0)
    assert bus.power_up_position(2) == pytest.approx(math.pi / 2, abs=1e-5)


def test_a_changed_id_is_persistent(bench, bus):
    change_id(bus, bus.find(2, SPEED), 9)
    bench.motors[1].boot(bench.clock.now_ns(), boot_ns=0)
    assert [motor.id for motor in bus.scan(SPEED)] == [1, 3, 9]
    with pytest.raises(HardwareError, match="taken"):
        change_id(bus, bus.find(1, SPEED), 9)
    with pytest.raises(HardwareError, match="valid: 1 to 126"):
        change_id(bus, bus.find(1, SPEED), 127)


def test_nothing_is_written_under_torque(bench, bus):
    bench.motors[0].mode = Mode.POSITION
    assert bus.torque_enabled(1)
    with pytest.raises(HardwareError, match="torque"):
        change_id(bus, bus.find(1, SPEED), 9)


def test_there_is_no_baud_rate_to_change(bus):
    with pytest.raises(HardwareError, match="valid: 921600"):
        change_baudrate(bus, bus.find(1, SPEED), 1_000_000)
    with pytest.raises(HardwareError, match="no baud rate of its own"):
        bus.write_baudrate(1, 1_000_000)


def test_reboot_clears_a_fault(bench, bus):
    bench.motors[0].raise_fault(Fault.MOTOR_DRIVER)
    bus.reboot(1)
    assert bench.motors[0].mode == Mode.STOPPED
    bench.motors[0].raise_fault(Fault.MOTOR_DRIVER)
    bench.motors[0].execute = lambda mode, command, now_ns: None
    with pytest.raises(HardwareError, match="persists"):
        bus.reboot(1)


def test_findings_name_problems_and_give_advice(bench, bus):
    motor = bus.find(1, SPEED)
    found = {finding.what: finding for finding in bus.findings(motor)}
    assert all(finding.ok for finding in found.values())
    assert found["kp"].value == "4 N*m/rev"
    for end, bound in (("min", "-0.01"), ("max", "0.01")):
        assert bench.motors[0].settings.set(f"servopos.position_{end}", bound)
    bench.motors[0].raise_fault(Fault.OVER_TEMPERATURE)
    bench.emulated.electrics.temperature[0] = 90.0
    found = {finding.what: finding for finding in bus.findings(motor)}
    assert {what for what, finding in found.items() if not finding.ok} == {"fault", "temperature", "position bounds"}
    assert "nan" in found["position bounds"].advice


def test_a_console_that_refuses_or_is_silent_is_an_error(bus, monkeypatch):
    motor = bus.find(1, SPEED)
    feed = Console.feed
    monkeypatch.setattr(Console, "feed", lambda console, data: feed(console, data.replace(b"conf get", b"conf got")))
    with pytest.raises(HardwareError, match="ERR unknown command"):
        list(bus.findings(motor))
    monkeypatch.setattr(Console, "take", lambda console, size: b"")
    with pytest.raises(HardwareError, match="the console of motor 1 does not answer"):
        list(bus.findings(motor))
