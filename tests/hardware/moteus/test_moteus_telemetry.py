"""The telemetry of an emulated controller, as the maker's own library reads it: what `moteus_tool --info` shows.

The library's stream talks to the firmware model in this process, without a port, so that nothing waits.
"""

import asyncio
from types import SimpleNamespace

import moteus
import pytest

from sim2real.configs.load import load_motor
from sim2real.hardware.moteus.firmware.console import CHANNEL
from sim2real.hardware.moteus.firmware.controller import MoteusMotor
from sim2real.hardware.moteus.firmware.server import Server
from sim2real.hardware.moteus.frame import CLIENT_POLL, Kind, encode_stream, subframes


class Controller:
    """What the library's stream needs of a controller."""

    max_diagnostic_write = 61

    def __init__(self):
        self.motor = MoteusMotor(load_motor("moteus_r4_mj5208"), 1, 1_000_000)
        self.motor.boot(0, 0)
        self.server = Server(self.motor)

    async def send_diagnostic_write(self, data, channel):
        self.server.execute(encode_stream(Kind.CLIENT_DATA, channel, data), 0, reply_wanted=False)

    async def diagnostic_read(self, max_length, channel):
        reply = self.server.execute(bytes((CLIENT_POLL, channel, min(max_length, 48))), 0)
        pieces = [piece.data for piece in subframes(reply) if piece.kind == Kind.SERVER_DATA]
        return [SimpleNamespace(data=b"".join(pieces))]


def read(*commands):
    """Return what the library reads: data of channels by name, output of other commands."""
    controller = Controller()

    async def all_of_them():
        stream = moteus.Stream(controller, channel=CHANNEL, use_flow_control=False)
        return [await (stream.read_data(one) if " " not in one else stream.command(one.encode())) for one in commands]

    return controller, asyncio.run(asyncio.wait_for(all_of_them(), 60.0))


def test_firmware_git_and_uuid_are_what_info_needs():
    controller, (firmware, git, uuid, again) = read("firmware", "git", "conf enumerate uuid", "firmware")
    assert firmware.version == controller.motor.registers.firmware
    assert len(firmware.serial_number) == 3
    assert firmware == again
    assert len(git.hash) == 20
    assert len([line for line in uuid.splitlines() if line.startswith(b"uuid.uuid.")]) == 16
    assert all(0 <= int(line.split()[1]) <= 255 for line in uuid.splitlines())


def test_servo_stats_are_the_state_of_the_servo():
    controller, (stats,) = read("servo_stats")
    assert int(stats.mode) == int(controller.motor.mode)
    assert stats.mode.name == "kStopped"
    assert stats.fault == 0
    assert stats.position == pytest.approx(controller.motor.position)
    assert stats.bus_V == pytest.approx(controller.motor.shaft.voltage)


def test_a_group_of_settings_is_listed_alone_and_a_dump_is_restored():
    controller, (group, everything) = read("conf enumerate servopos", "conf enumerate ")
    assert [line.split()[0] for line in group.splitlines()] == [b"servopos.position_min", b"servopos.position_max"]
    restored, _ = read(*(f"conf set {line.decode()}" for line in everything.splitlines()), "conf write ")
    assert {name: str(float(value)) for name, value in restored.motor.saved().items()} == {
        name: str(float(value)) for name, value in controller.motor.saved().items()
    }


@pytest.mark.parametrize("command", ["tel schema drv8323", "tel get nothing", "conf enumerate motor", "d cal 1"])
def test_what_is_not_emulated_is_refused(command):
    with pytest.raises(moteus.CommandError, match="ERR"):
        read(command)


def test_a_reset_restarts_the_controller():
    controller = Controller()
    controller.motor.settings.set("servo.pid_position.kp", "3")
    controller.server.execute(encode_stream(Kind.CLIENT_DATA, CHANNEL, b"d reset\n"), 0, reply_wanted=False)
    assert controller.motor.settings.values["servo.pid_position.kp"] != 3.0
