"""Laws of scanning and releasing a port: likely speeds first, each motor once, torque off for every id."""

import pytest

from sim2real.configs.load import load_robot
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.families import installed_families
from sim2real.hardware.workbench.port import WorkbenchPort
from sim2real.hardware.workbench.release import release_port
from sim2real.hardware.workbench.scan import scan_port

FAMILIES = ("quadruped", "so101", "hopper_leg")


class AnySpeed:
    """A port without a baud rate of its own: whatever the client sets, the motors hear it."""

    def __init__(self, transport, baudrate):
        self._transport = transport
        self._transport.set_baudrate(baudrate)

    def set_baudrate(self, baudrate):
        pass

    def __getattr__(self, name):
        return getattr(self._transport, name)


class Desk:
    def __init__(self, robot, any_speed=False):
        config = load_robot(robot)
        self.config = config.model_copy(update={"imus": {}})
        self.emulated = EmulatedRobot(self.config, InertiaPlant(self.config))
        self.clock = VirtualClock()
        name, bus = next(iter(config.buses.items()))
        transport = lockstep_transports(self.emulated, self.clock)[name]
        if any_speed:
            transport = AnySpeed(transport, round(bus.baudrate))
        families, _ = installed_families()
        self.buses = {protocol: family.workbench(transport, self.clock) for protocol, family in families.items()}
        self.port = WorkbenchPort(transport, self.buses)
        self.ids = sorted(joint.id for joint in config.joints.values() if joint.bus == name)
        self.motors = self.emulated.lines[name].motors

    def seconds(self):
        return self.clock.now_ns() * 1e-9


@pytest.mark.parametrize("any_speed", [False, True])
@pytest.mark.parametrize("robot", FAMILIES)
def test_the_usual_scan_is_over_in_three_seconds_and_lists_each_motor_once(robot, any_speed):
    desk = Desk(robot, any_speed)
    assert [motor.id for motor in scan_port(desk.buses, None)] == desk.ids
    assert desk.seconds() <= 3.0


@pytest.mark.parametrize("robot", ["quadruped", "so101"])
def test_scanning_everything_lists_each_motor_once_on_a_line_that_answers_at_every_speed(robot):
    desk = Desk(robot, any_speed=True)
    assert sorted(motor.id for motor in scan_port(desk.buses, None, everything=True)) == desk.ids


@pytest.mark.parametrize("robot", FAMILIES)
def test_torque_goes_off_for_every_id_and_is_confirmed(robot):
    desk = Desk(robot)
    for motor in desk.motors:
        if robot == "hopper_leg":
            continue  # a moteus has no torque without commands
        motor.write_register("torque_enable", 1)
    released = release_port(desk.port)
    assert [one.motor.id for one in released] == desk.ids
    assert all(one.confirmed for one in released)
    assert not any(motor.torque_enabled for motor in desk.motors)


def test_a_motor_that_keeps_its_torque_is_named():
    desk = Desk("so101")
    stubborn = desk.motors[2]
    stubborn.write_register("torque_enable", 1)
    write = stubborn.write
    stubborn.write = lambda address, data: None if address == 40 else write(address, data)
    released = release_port(desk.port)
    assert [one.motor.id for one in released if not one.confirmed] == [stubborn.id]
