"""Laws of two motors with one id: told apart from none and from one, and nothing permanent is written to either."""

import numpy as np
import pytest

from sim2real.configs.load import load_robot
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.collision import on_can, on_one_wire
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.firmware.device_protocol import Reply
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.workbench.change import change_baudrate, change_id
from sim2real.hardware.workbench.interface import FoundMotor

FAMILIES = ("quadruped", "so101", "hopper_leg")
NEW_BAUDRATE = {"quadruped": 115_200, "so101": 115_200}


class Desk:
    """The first two motors of a shipped robot; the second gets the id of the first."""

    def __init__(self, robot):
        base = load_robot(robot)
        joints = dict(list(base.joints.items())[:2])
        self.config = base.model_copy(update={"joints": joints, "imus": {}, "tip": None, "rest": None})
        self.plant = InertiaPlant(self.config)
        self.emulated = EmulatedRobot(self.config, self.plant)
        self.clock = VirtualClock()
        self.motors = list(self.emulated.motors.values())
        self.id = self.motors[0].id
        self.motors[1].restore(self.motors[1].saved() | self._same_id())
        self.motors[1].boot(0, 0)
        name = next(iter(joints.values())).bus
        self.bus = self.config.buses[name]
        self.baudrate = round(self.bus.baudrate)
        self.bench = family_of_bus(self.bus).workbench(lockstep_transports(self.emulated, self.clock)[name], self.clock)

    def _same_id(self):
        saved = self.motors[1].saved()
        (key,) = (name for name in saved if name in ("id", "id.id"))
        return {key: self.id}

    def saved(self):
        return [motor.saved() for motor in self.motors]


@pytest.mark.parametrize("robot", FAMILIES)
def test_two_motors_with_one_id_are_neither_none_nor_one(robot):
    desk = Desk(robot)
    with pytest.raises(HardwareError, match=f"two motors share id {desk.id}.*connect one at a time"):
        desk.bench.find(desk.id, desk.baudrate)
    assert not desk.bench.alone(desk.id)
    desk.motors[1].silent = True
    assert desk.bench.find(desk.id, desk.baudrate) is not None
    assert desk.bench.alone(desk.id)
    desk.motors[0].silent = True
    assert desk.bench.find(desk.id, desk.baudrate) is None


@pytest.mark.parametrize("robot", FAMILIES)
def test_a_scan_names_the_shared_id(robot):
    desk = Desk(robot)
    desk.bench.scan(desk.baudrate)
    assert desk.bench.shared == [desk.id]
    desk.motors[1].silent = True
    assert [motor.id for motor in desk.bench.scan(desk.baudrate)] == [desk.id]
    assert desk.bench.shared == []


@pytest.mark.parametrize("robot", FAMILIES)
def test_nothing_permanent_is_written_to_either(robot):
    """Whatever made the caller believe that there is one."""
    desk = Desk(robot)
    before = desk.saved()
    believed = FoundMotor(desk.id, desk.bench.protocol, desk.baudrate, None, None, 1)
    desk.bench.set_baudrate(desk.baudrate)
    with pytest.raises(HardwareError):
        change_id(desk.bench, believed, 77)
    if robot in NEW_BAUDRATE:
        with pytest.raises(HardwareError):
            change_baudrate(desk.bench, believed, NEW_BAUDRATE[robot])
    assert desk.saved() == before


@pytest.mark.parametrize("robot", FAMILIES)
def test_opening_the_robot_says_so(robot):
    desk = Desk(robot)
    before = desk.saved()
    name, joint = next(iter(desk.config.joints.items()))
    one = desk.config.model_copy(update={"joints": {name: joint}})
    hardware = RobotHardware(one, lockstep_transports(desk.emulated, desk.clock), desk.clock)
    with pytest.raises(HardwareError, match=f"two motors share id {desk.id}"):
        hardware.open()
    assert desk.saved() == before


def test_equal_replies_on_one_wire_are_damaged_and_equal_frames_on_can_are_one():
    random = np.random.default_rng(0)
    for _ in range(50):
        frame = b"\xff\xff" + random.bytes(6)
        reply = Reply(0, 1_000_000, frame)
        assert not on_one_wire(reply, reply).data.startswith(b"\xff\xff")
        assert on_can(reply, reply).data == frame
    assert on_can(Reply(0, 1, b"a"), Reply(0, 1, b"b")).data == b""
