"""Law of time stamps: a process that is kept from running in the middle of a read does not make readings younger."""

import pytest

from sim2real.configs.library import shipped
from sim2real.configs.load import load_robot
from sim2real.hardware.clock import VirtualClock, ns_from_s
from sim2real.hardware.emulator.lockstep import LockstepTransport
from sim2real.hardware.emulator.plant import make_plant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointState

HELD_NS = ns_from_s(0.05)


class HeldUp(LockstepTransport):
    """The machine gives the processor to others while the next reply is awaited."""

    held = False

    def read_into(self, buffer, deadline_ns):
        count = super().read_into(buffer, deadline_ns)
        if self.held and count:
            self.held = False
            self._clock.sleep_until_ns(self._clock.now_ns() + HELD_NS)
        return count


@pytest.mark.parametrize("name", shipped("robots"))
def test_a_reading_is_no_younger_than_its_reply_can_be(name):
    # The next one then seemed to have had no time to be so far away: POSITION_JUMP, with torque off, of a sound joint.
    robot, clock = load_robot(name), VirtualClock(ns_from_s(1.0))
    emulated = EmulatedRobot(robot, make_plant("inertia", robot), None, start_ns=clock.now_ns())
    transports = {port: HeldUp(emulated, line, clock) for port, line in emulated.ports.items()}
    hardware, state = RobotHardware(robot, transports, clock), JointState.empty(len(robot.joints))
    hardware.open()
    hardware.read(state)
    for bus in robot.buses:
        transports[bus].held = True
    asked_ns = clock.now_ns()
    hardware.read(state)
    assert state.fresh.all()
    assert clock.now_ns() - asked_ns >= HELD_NS
    assert (state.stamp_ns - asked_ns <= ns_from_s(0.01)).all()
    hardware.close()
