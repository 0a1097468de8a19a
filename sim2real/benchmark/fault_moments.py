"""The moments of a run at which faults strike, in s since power-up, from a run without faults."""

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np

from sim2real.benchmark.fault_world import FaultWorld
from sim2real.configs.load import load_robot
from sim2real.runtime.controller import Controller
from sim2real.runtime.policy import OnnxPolicy, load_policy
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session

Moment = Literal["connecting", "opened", "enabling", "ramping", "early", "late", "stopping", "after_fault"]

MOMENTS: Final[tuple[Moment, ...]] = (
    "connecting",
    "opened",
    "enabling",
    "ramping",
    "early",
    "late",
    "stopping",
    "after_fault",
)
"""While connecting; between the end of opening and torque; while torque is switched on, motor by motor; on the way to
the start pose; soon after the policy began, and later; around the request to stop; after another fault."""

RAMP: Final = 0.25
"""How far from the start pose a robot begins whose ramp is struck, rad."""

_EARLY_S, _LATE_S, _STOP_S = (0.0, 0.15), (0.3, 0.5), 0.3
_STOPPING_S = (-0.005, 0.06)
_AFTER_S = (0.0, 0.8)


@dataclass(frozen=True)
class Nominal:
    """When a run without faults gets where, s since power-up."""

    opened: float
    torque: float
    """First motor on."""
    enabled: float
    """Last motor on."""
    running: float
    """The policy runs."""

    @property
    def stop(self) -> float:
        """When the end of the run is asked for, where a fault strikes about then."""
        return self.running + _STOP_S

    @property
    def first_fault(self) -> float:
        """When the first of two faults strikes, where the second comes after it."""
        return self.running + _EARLY_S[1]

    def draw(self, moment: Moment, random: np.random.Generator) -> float:
        """Return a time within a moment, s since power-up."""
        low, high = {
            "connecting": (0.0, self.opened),
            "opened": (self.opened, self.torque),
            "enabling": (max(self.opened, self.torque - 0.002), self.enabled + 0.002),
            "ramping": (self.enabled, self.enabled + 0.12),
            "early": (self.running + _EARLY_S[0], self.running + _EARLY_S[1]),
            "late": (self.running + _LATE_S[0], self.running + _LATE_S[1]),
            "stopping": (self.stop + _STOPPING_S[0], self.stop + _STOPPING_S[1]),
            "after_fault": (self.first_fault + _AFTER_S[0], self.first_fault + _AFTER_S[1]),
        }[moment]
        return float(random.uniform(low, high))


@cache
def policy_of(robot: str) -> OnnxPolicy:
    """Return the shipped policy of a shipped robot, loaded once a process."""
    return load_policy(SHIPPED[robot])


SHIPPED: Final = {
    "pendulum": "pendulum_swingup",
    "so101": "so101_reach",
    "hopper_leg": "hopper_hop",
    "quadruped": "quadruped_walk",
}
"""The shipped policy of each shipped robot."""


@cache
def nominal(robot: str, plant: str) -> Nominal:
    """Return the moments of a robot with its shipped policy, from a run without faults; once a process."""
    config, policy = load_robot(robot), policy_of(robot)
    world = FaultWorld(config, plant)
    world.hardware.open()
    opened = world.elapsed_s()
    world.hardware.close()
    world = FaultWorld(config, plant)
    on: list[float] = []
    running: list[float] = []

    def observe(time_ns: int) -> None:
        motors = world.emulated.motors.values()
        while len(on) < sum(motor.torque_enabled for motor in motors):
            on.append(world.elapsed_s(time_ns))

    def note(controller: Controller) -> None:
        if controller.state.name == "RUNNING" and not running:
            running.append(world.elapsed_s())

    world.emulated.observer = observe
    run_session(policy, config, world.hardware, world.clock, RunOptions(duration=0.1, on_tick=note))
    return Nominal(opened, on[0], on[-1], running[0])
