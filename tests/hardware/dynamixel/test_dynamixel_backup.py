"""Laws of Control Table Backup (0x20) of an emulated motor; frames are those of the e-Manual's example."""

import pytest
from emulated import Bench

from sim2real.configs.load import load_motor
from sim2real.hardware.dynamixel.firmware.instructions import execute
from sim2real.hardware.dynamixel.firmware.motor import BOOT_NS, XSeriesMotor
from sim2real.hardware.dynamixel.frame import BROADCAST, Instruction, Packet, StatusError, encode

STORE, RESTORE = b"\x01CTRL", b"\x02CTRL"


def test_the_frame_is_that_of_the_manual() -> None:
    assert encode(1, Instruction.BACKUP, STORE).hex(" ") == "ff ff fd 00 01 08 00 20 01 43 54 52 4c 16 f5"


def test_a_backup_brings_eeprom_back_after_a_factory_reset_and_reboots() -> None:
    bench = Bench()
    assert bench.read("backup_ready") == 0
    bench.write("shutdown", 53)
    bench.write("homing_offset", -321)
    bench.write("position_p_gain", 555)
    assert bench.ask(Instruction.BACKUP, STORE).error == 0
    assert bench.read("backup_ready") == 1
    bench.ask(Instruction.FACTORY_RESET, b"\x02")
    bench.wait(1.0)
    assert (bench.read("shutdown"), bench.read("homing_offset"), bench.read("backup_ready")) == (52, 0, 1)
    assert bench.ask(Instruction.BACKUP, RESTORE).error == 0
    assert bench.ask(Instruction.PING) is None  # it boots
    bench.wait(BOOT_NS * 1e-9 + 0.1)
    assert (bench.read("shutdown"), bench.read("homing_offset")) == (53, -321)
    assert bench.read("position_p_gain") == 800  # RAM comes back only if Startup Configuration says so


def test_gains_and_profile_come_back_at_power_up_where_startup_configuration_asks_for_them() -> None:
    bench = Bench()
    bench.write("startup_configuration", 2)
    for name, value in (("position_p_gain", 555), ("profile_velocity", 44), ("indirect_address_1", 132)):
        bench.write(name, value)
    bench.ask(Instruction.BACKUP, STORE)
    bench.write("position_p_gain", 111)
    bench.ask(Instruction.REBOOT)
    bench.wait(1.0)
    assert [bench.read(name) for name in ("position_p_gain", "profile_velocity", "indirect_address_1")] == [
        555,
        44,
        132,
    ]


@pytest.mark.parametrize("parameters", [STORE, RESTORE])
def test_nothing_is_stored_or_restored_while_torque_is_on(parameters: bytes) -> None:
    bench = Bench()
    bench.ask(Instruction.BACKUP, STORE)
    bench.torque_on(3)
    assert bench.ask(Instruction.BACKUP, parameters).error == StatusError.RESULT_FAIL
    assert bench.read("torque_enable") == 1


def test_without_a_backup_nothing_is_restored() -> None:
    assert Bench().ask(Instruction.BACKUP, RESTORE).error == StatusError.RESULT_FAIL


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        (b"", StatusError.DATA_LENGTH),
        (b"\x01", StatusError.DATA_LENGTH),
        (b"\x01CTRX", StatusError.DATA_RANGE),
        (b"\x03CTRL", StatusError.DATA_RANGE),
    ],
)
def test_other_parameters_are_refused(parameters: bytes, error: StatusError) -> None:
    bench = Bench()
    assert bench.ask(Instruction.BACKUP, parameters).error == error
    assert bench.read("backup_ready") == 0


def test_a_broadcast_is_obeyed_without_a_reply() -> None:
    bench = Bench()
    assert bench.ask(Instruction.BACKUP, STORE, to=BROADCAST) is None
    assert bench.read("backup_ready") == 1


@pytest.mark.parametrize(("name", "since"), [("xm430_w350", 45), ("xl330_m288", 46)])
def test_an_older_firmware_does_not_know_it(name: str, since: int) -> None:
    config = load_motor(name)
    for firmware in (since - 1, since):
        old = config.model_copy(update={"registers": config.registers.model_copy(update={"firmware": firmware})})
        motor = XSeriesMotor(old, 1, 1_000_000)
        motor.boot(0, 0)
        answer = execute(motor, Packet(1, Instruction.BACKUP, None, STORE, unstuffed=False), 0)
        assert answer == ((StatusError.INSTRUCTION if firmware < since else 0), b"")


def test_a_backup_is_kept_with_the_settings_of_the_emulator() -> None:
    bench, other = Bench(), Bench()
    bench.write("shutdown", 53)
    bench.ask(Instruction.BACKUP, STORE)
    other.motor.restore(bench.motor.saved())
    other.motor.boot(0, 0)
    assert other.read("backup_ready") == 1
    assert other.motor.saved() == bench.motor.saved()
    with pytest.raises(ValueError, match=r"backup\.shutdown"):
        other.motor.restore({"backup.shutdown": 256.0})
