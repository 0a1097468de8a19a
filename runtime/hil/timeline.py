"""The timeline of a scenario: operator commands and events, each when it is due."""

from collections.abc import Callable

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.event import (
    OperatorEventConfig,
    PolicyEventConfig,
    PushEventConfig,
    SlowMachineEventConfig,
)
from sim2real.configs.schema.scenario import ScenarioConfig
from sim2real.hardware.clock import NS_PER_S, Clock, ns_from_s
from sim2real.hardware.emulator.plant import Plant, PushablePlant
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.controller import Controller
from sim2real.runtime.hil.failing_policy import FailingPolicy
from sim2real.runtime.operator.interface import Operator
from sim2real.runtime.policy import Policy
from sim2real.runtime.stop import StopRequest

_OPERATED_S_MAX = 60.0
"""Beyond the scenario's duration; an operated run has no end of its own when the policy never runs."""


class ScriptedOperator:
    """Implements `Operator`: the buttons are pressed by the timeline."""

    def __init__(self, contract: Contract) -> None:
        self.values = np.full(len(contract.commands), np.nan)
        self.alive_ns = -1  # no device whose silence would mean something
        self.stop = self.emergency = False
        self.resets = self.starts = 0

    def poll(self) -> None:
        """Nothing arrives between two ticks."""

    def press(self, kind: str) -> None:
        """Press a button."""
        self.stop |= kind == "stop"
        self.emergency |= kind == "emergency_stop"
        if kind == "reset":
            self.resets += 1
            self.emergency = False
        self.starts += kind == "start"


class Timeline:
    """Does what a scenario's timeline says, at the ticks of a run.

    Args:
        scenario: The scenario.
        contract: The policy's.
        clock: The clock of the run.
        plant: The emulated mechanics; None for a real robot.
        disturbs: Called when a disturbance takes effect.

    Attributes:
        first: Operator commands that are given before the first tick, by name, SI units.
        stop: For the run's options.
        operator: The same; None where nobody resets or starts.

    Raises:
        UserError: An event that this robot cannot have.
    """

    def __init__(
        self,
        scenario: ScenarioConfig,
        contract: Contract,
        clock: Clock,
        plant: Plant | None,
        disturbs: Callable[[], None],
    ) -> None:
        self.first: dict[str, float] = {}
        for entry in scenario.commands:
            if entry.at == 0.0:
                self.first |= entry.values
        self.stop = StopRequest()
        operated = any(event.kind in ("reset", "start") for event in scenario.events)
        self._scripted = ScriptedOperator(contract) if operated else None
        self._later = [entry for entry in scenario.commands if entry.at > 0.0]
        self._buttons = [event for event in scenario.events if isinstance(event, OperatorEventConfig)]
        self._slow = [event for event in scenario.events if isinstance(event, SlowMachineEventConfig)]
        self._pushes = [event for event in scenario.events if isinstance(event, PushEventConfig)]
        self._failures = [event for event in scenario.events if isinstance(event, PolicyEventConfig)]
        self._clock, self._disturbs = clock, disturbs
        self._plant = self._pushable(plant, scenario) if self._pushes else None
        self._pushed: set[int] = set()
        self._since_ns: int | None = None
        self._latest_ns = clock.now_ns() + ns_from_s(scenario.duration + _OPERATED_S_MAX)

    @property
    def operator(self) -> Operator | None:
        """The operator who presses the buttons; None where nobody resets or starts."""
        return self._scripted

    def policy(self, policy: Policy) -> Policy:
        """Return the policy with the failures of the timeline."""
        return FailingPolicy(policy, self._failures, self._elapsed, self._disturbs) if self._failures else policy

    def apply(self, controller: Controller) -> None:
        """Do what is due, after a tick."""
        self._since_ns = controller.running_since_ns
        if self._scripted is not None and self._clock.now_ns() > self._latest_ns:
            self._scripted.press("stop")
        if self._since_ns is None:
            return
        elapsed = (controller.record.time_ns - self._since_ns) / NS_PER_S
        while self._later and elapsed >= self._later[0].at:
            for name, value in self._later.pop(0).values.items():
                controller.set_operator_command(name, value)
        while self._buttons and elapsed >= self._buttons[0].at:
            self._press(self._buttons.pop(0).kind)
        self._push(elapsed)
        for event in self._slow:
            if event.at <= elapsed and (event.duration is None or elapsed < event.at + event.duration):
                self._disturbs()
                self._clock.sleep_until_ns(self._clock.now_ns() + ns_from_s(event.delay))

    def _elapsed(self) -> float | None:
        return None if self._since_ns is None else (self._clock.now_ns() - self._since_ns) / NS_PER_S

    def _press(self, kind: str) -> None:
        if kind == "emergency_stop":
            self._disturbs()
        if self._scripted is not None:
            self._scripted.press(kind)
        elif kind == "emergency_stop":
            self.stop.emergency_stop("the scenario")
        else:
            self.stop.stop("the scenario")

    def _push(self, elapsed: float) -> None:
        for index, event in enumerate(self._pushes):
            acts = event.at <= elapsed < event.at + event.duration
            if acts == (index in self._pushed) or self._plant is None:
                continue
            if acts:
                self._disturbs()
                self._pushed.add(index)
            else:
                self._pushed.discard(index)
            self._plant.push(event.body, event.force if acts else (0.0, 0.0, 0.0))

    def _pushable(self, plant: Plant | None, scenario: ScenarioConfig) -> PushablePlant:
        if not isinstance(plant, PushablePlant):
            what = "a real robot" if plant is None else f"the plant {type(plant).__name__}"
            raise UserError(f"scenario {scenario.name!r}: {what} cannot be pushed; use --plant mujoco")
        for event in self._pushes:
            plant.push(event.body, (0.0, 0.0, 0.0))
        return plant
