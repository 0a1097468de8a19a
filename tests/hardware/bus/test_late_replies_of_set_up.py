"""A reply that comes too late is not taken for that of the next request, on every family.

It once was: a driver on a busy machine took one protection register for another, and wrote it to EEPROM.
"""

from random import Random

import pytest

from sim2real.configs.load import load_robot
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.rehearsal.calibration import one_joint
from sim2real.hardware.robot import RobotHardware

_LATE_NS = 40_000_000  # longer than a client waits


class LatePort:
    """A port whose adapter hands many replies over late, in their order."""

    def __init__(self, port, clock, draw, share):
        self._port, self._clock, self._draw, self._share = port, clock, draw, share
        self._held = []  # time of delivery, and bytes
        self.late = 0

    def read_into(self, buffer, deadline_ns):
        while True:
            if self._held and self._held[0][0] <= self._clock.now_ns():
                data = self._held.pop(0)[1]
                buffer[: len(data)] = data
                return len(data)
            until_ns = min(deadline_ns, self._held[0][0]) if self._held else deadline_ns
            if not self._fetch(until_ns) and self._clock.now_ns() >= deadline_ns:
                return 0

    def drain(self):
        while self._fetch(self._clock.now_ns()):
            pass
        self._held = [one for one in self._held if one[0] > self._clock.now_ns()]

    def _fetch(self, until_ns):
        piece = memoryview(bytearray(4096))
        count = self._port.read_into(piece, until_ns)
        if count:
            late = self._draw.random() < self._share
            self.late += late
            at_ns = self._clock.now_ns() + (self._draw.randrange(_LATE_NS) if late else 0)
            self._held.append((max([at_ns, *(one[0] for one in self._held)]), bytes(piece[:count])))
        return count

    def __getattr__(self, name):
        return getattr(self._port, name)


def opened(robot, seed, share):
    """Open a robot with one motor until it works; return the motor's settings, and how many replies were late."""
    config = one_joint(load_robot(robot))
    emulated, clock, late = EmulatedRobot(config, InertiaPlant(config)), VirtualClock(), 0
    draw = Random(seed)
    for _ in range(8):
        (name,) = config.buses
        port = LatePort(lockstep_transports(emulated, clock)[name], clock, draw, share)
        hardware = RobotHardware(config, {name: port}, clock)
        try:
            hardware.open()
            break
        except HardwareError:
            continue
        finally:
            late += port.late
            hardware.close()
            clock.sleep_until_ns(clock.now_ns() + _LATE_NS)
    (motor,) = emulated.motors.values()
    return {setting: str(value) for setting, value in motor.saved().items()}, late


@pytest.mark.parametrize("robot", ["quadruped", "so101", "hopper_leg"])
def test_late_replies_change_no_setting_that_prompt_ones_would_not(robot):
    config = one_joint(load_robot(robot))
    (fresh,) = EmulatedRobot(config, InertiaPlant(config)).motors.values()
    factory = {setting: str(value) for setting, value in fresh.saved().items()}
    wanted, _ = opened(robot, 0, 0.0)
    late = 0
    for seed in range(1, 9):
        found, more = opened(robot, seed, 0.3)
        late += more

        assert [name for name in found if found[name] not in (factory[name], wanted[name])] == []
    assert late > 20
