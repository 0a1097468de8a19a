"""What hands do to an emulated robot on the bench: hold, move and load joints, plug and unplug motors and adapters."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.hardware.emulator.line import NEVER, Line
from sim2real.hardware.emulator.plant import GripPlant, Plant
from sim2real.hardware.emulator.port import Port
from sim2real.hardware.firmware.motor import EmulatedMotor
from sim2real.hardware.types import Float64Array

SPEED: Final = 1.0
"""rad/s at which a hand moves a joint unless told otherwise."""

ALL: Final = "all"
"""Every joint, or every port."""

_REACH_S = 0.01  # a hand closes the distance to its target within this time, up to its speed


class Hands:
    """Hands at an emulated robot; every call takes effect at once, in emulated time.

    A joint that is held stays where the hand wants it, whatever its motor does.
    """

    def __init__(
        self,
        plant: Plant,
        motors: Mapping[str, EmulatedMotor],
        lines: Mapping[str, Line],
        ports: Mapping[str, Port],
        now_ns: Callable[[], int],
    ) -> None:
        self._plant, self._motors, self._lines, self._ports, self._now_ns = plant, motors, lines, ports, now_ns
        self._joints = list(motors)
        self._held: dict[int, tuple[float, float]] = {}  # target, rad, and speed, rad/s, by index of the joint
        self._places = {name: list(line.motors) for name, line in lines.items()}  # the order along each cable
        self._unplugged: set[str] = set()
        self.loads: Float64Array = np.zeros(len(motors))
        """Torques on the joints from outside, (J,), N·m."""

    def move(self, joint: str, angle: float, speed: float = SPEED) -> None:
        """Take a joint to an angle (rad) at a speed (rad/s), and hold it there."""
        if not (np.isfinite(angle) and 0.0 < speed < np.inf):
            raise UserError(f"move {joint} to {angle} rad at {speed} rad/s: valid are a finite angle, a speed above 0")
        for index in self._indices(joint):
            self._held[index] = float(angle), float(speed)

    def hold(self, joint: str) -> None:
        """Hold a joint where it is."""
        for index in self._indices(joint):
            self._held[index] = float(self._plant.position[index]), SPEED

    def release(self, joint: str) -> None:
        """Let go of a joint, and take away its load."""
        for index in self._indices(joint):
            self.loads[index] = 0.0
            if self._held.pop(index, None) is not None:
                self._grip().grip(index, None)

    def load(self, joint: str, effort: float) -> None:
        """Load a joint with a torque, N·m, until it is released or loaded anew."""
        if not np.isfinite(effort):
            raise UserError(f"load {joint} with {effort} N*m: valid is a finite torque")
        for index in self._indices(joint):
            self.loads[index] = effort

    def disconnect(self, joint: str) -> None:
        """Pull the cable of a joint's motor: no data, no power."""
        for index in self._indices(joint):
            name = self._joints[index]
            self._unplugged.add(name)
            self._motors[name].boot(self._now_ns(), boot_ns=NEVER)
        self._rewire()

    def connect(self, joint: str) -> None:
        """Plug the cable of a joint's motor in again: it powers up."""
        for index in self._indices(joint):
            name = self._joints[index]
            if name in self._unplugged:
                self._unplugged.discard(name)
                self._motors[name].boot(self._now_ns())
        self._rewire()

    def unplug(self, port: str = ALL) -> None:
        """Unplug the adapter of a bus or an IMU."""
        for one in self._named_ports(port):
            one.plug(False)

    def plug(self, port: str = ALL) -> None:
        """Plug an adapter in again."""
        for one in self._named_ports(port):
            if not one.plugged:
                one.plug(True)

    def arrived(self, joint: str = ALL) -> bool:
        """Return whether a held joint is where the hand wants it; one that is not held is."""
        held = [index for index in self._indices(joint) if index in self._held]
        return all(abs(self._held[index][0] - self._plant.position[index]) < 1e-3 for index in held)

    def state(self) -> dict[str, object]:
        """Return what hands and eyes know: angles in rad, torque, cables, adapters."""
        return {
            "joints": {
                name: {
                    "position": float(self._plant.position[index]),
                    "held": index in self._held,
                    "load": float(self.loads[index]),
                    "connected": name not in self._unplugged,
                    "torque": self._motors[name].torque_enabled,
                }
                for index, name in enumerate(self._joints)
            },
            "ports": {name: {"plugged": port.plugged} for name, port in self._ports.items()},
        }

    def step(self) -> None:
        """Guide the held joints; called before each step of the plant."""
        for index, (target, speed) in self._held.items():
            wanted = (target - float(self._plant.position[index])) / _REACH_S
            self._grip().grip(index, max(-speed, min(speed, wanted)))

    def _grip(self) -> GripPlant:
        if not isinstance(self._plant, GripPlant):
            raise UserError(f"the joints of {type(self._plant).__name__} cannot be held: it has no method `grip`")
        return self._plant

    def _indices(self, joint: str) -> Iterable[int]:
        if joint == ALL:
            return range(len(self._joints))
        if joint not in self._joints:
            raise UserError(f"no joint {joint!r}; valid: {', '.join((*self._joints, ALL))}")
        return (self._joints.index(joint),)

    def _named_ports(self, port: str) -> Iterable[Port]:
        if port == ALL:
            return tuple(self._ports.values())
        if port not in self._ports:
            raise UserError(f"no port {port!r}; valid: {', '.join((*self._ports, ALL))}")
        return (self._ports[port],)

    def _rewire(self) -> None:
        gone = [self._motors[name] for name in self._unplugged]
        for name, line in self._lines.items():
            own = [motor for motor in self._places[name] if not any(motor is other for other in gone)]
            strangers = [motor for motor in line.motors if not any(motor is other for other in self._places[name])]
            line.motors[:] = own + strangers  # a fault may have added one with an id that is taken
