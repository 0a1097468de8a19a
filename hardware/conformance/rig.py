"""A robot's driver in lockstep with the emulated robot, with access to both sides for the tests."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from pydantic import TypeAdapter

from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import Float64Array, JointCommand, JointState

TICK_NS = 10_000_000
_EFFORT = 0.5  # N·m, amplitude of the wave in `move` if the effort limit allows it


class TracedPlant(InertiaPlant):
    """Joints without load that record a trace: (2, J) of position and velocity for each step."""

    def __init__(self, robot: RobotConfig) -> None:
        super().__init__(robot)
        self.trace: list[Float64Array] = []

    def step(self, effort: Float64Array) -> None:
        """Advance one timestep."""
        super().step(effort)
        self.trace.append(np.stack([self.position, self.velocity]))


class Rig:
    """An emulated robot without load, and its driver.

    Args:
        config: The robot.
        faults: Entries of `faults`, as in YAML.
        seed: Seed of the faults.
    """

    def __init__(self, config: RobotConfig, *faults: Mapping[str, Any], seed: int = 0) -> None:
        script = TypeAdapter(FaultsConfig).validate_python({"name": "laws", "seed": 1, "faults": list(faults)})
        self.config = config
        self.joints = list(config.joints.values())
        self.names = list(config.joints)
        self.plant = TracedPlant(config)
        self.emulated = EmulatedRobot(config, self.plant, script, seed)
        self.motors = list(self.emulated.motors.values())
        self.clock = VirtualClock()
        self.started_ns = 0  # when torque was switched on
        self.hardware = self.driver()
        self.state = JointState.empty(len(self.joints))
        self.command = JointCommand.zeros(len(self.joints))
        self.command.stiffness[:] = [joint.stiffness for joint in self.joints]
        self.command.damping[:] = [joint.damping for joint in self.joints]
        self.by_effort = self.joints[0].mode == "current"

    def driver(self) -> RobotHardware:
        """Return a new driver of the same motors, like a program that is started again."""
        return RobotHardware(self.config, lockstep_transports(self.emulated, self.clock), self.clock)

    def enabled(self) -> Self:
        """Open and enable; command the present position."""
        self.hardware.open()
        while not (self.state.stamp_ns >= 0).all():
            self.hardware.read(self.state)
        self.command.position[:] = self.state.position
        self.hardware.enable()
        self.started_ns = self.clock.now_ns()
        return self

    def leave(self) -> None:
        """Let the program be gone without a word, its supervisor too, as when the machine loses power."""
        for line in self.emulated.lines.values():
            line.supervisor = None

    def ticks(self, count: int, each: Callable[[], None] = lambda: None, write: bool = True) -> None:
        """Run `count` ticks of read and write at 100 Hz; call `each` after every read."""
        for _ in range(count):
            deadline_ns = self.clock.now_ns() + TICK_NS
            self.settle()
            self.plant.trace[:-1] = []
            self.hardware.read(self.state)
            each()
            if write:
                self.hardware.write(self.command)
            self.clock.sleep_until_ns(deadline_ns)
        self.settle()

    def wait(self, seconds: float) -> None:
        """Let time pass while the client sends nothing, s."""
        self.clock.sleep_until_ns(self.clock.now_ns() + round(seconds * 1e9))
        self.settle()

    def settle(self) -> None:
        """Advance the emulated robot to the time of the clock."""
        self.emulated.advance_to(self.clock.now_ns())

    def check_truth(self) -> None:
        """Assert that each fresh reading is within the joint's true values since the read started, to the register."""
        self.settle()
        fresh, trace = self.state.fresh, np.array(self.plant.trace)
        readings = np.stack([self.state.position, self.state.velocity])[:, fresh]
        error = np.array([[1.01 * self.count()], [1.01 * max(joint.motor.velocity_unit for joint in self.joints)]])
        assert (readings >= trace.min(axis=0)[:, fresh] - error).all()
        assert (readings <= trace.max(axis=0)[:, fresh] + error).all()

    def torques(self) -> list[bool]:
        """Return whether torque is on, for each motor."""
        return [motor.torque_enabled for motor in self.motors]

    def move(self, amplitude: float = 0.2) -> None:
        """Command a wave around the default pose, with another phase for each joint, so that old readings are wrong."""
        phase = self.clock.now_ns() * 1e-9 * 12.0 + np.arange(len(self.joints))
        default = np.array([joint.default_position for joint in self.joints])
        if self.by_effort:
            self.command.effort[:] = min(_EFFORT, *(joint.effort_limit for joint in self.joints)) * np.sin(phase)
        else:
            self.command.position[:] = default + amplitude * np.sin(phase)

    def count(self) -> float:
        """Return the resolution of the coarsest encoder, rad."""
        return max(2 * math.pi / joint.motor.counts_per_revolution for joint in self.joints)
