"""An operator who acts at set times: stops, resets a fault and starts again, or is gone."""

from collections.abc import Callable, Sequence

import numpy as np

from sim2real.benchmark.fault_scenarios import Strike
from sim2real.benchmark.fault_world import FaultWorld


class ScriptedOperator:
    """Implements `Operator` on the virtual clock.

    Args:
        world: Gives the time.
        strikes: What the operator does, and when.
        end_s: When the operator ends the run in any case, s since power-up: with an operator a run in FAULT waits.
        commands: Number of the policy's operator commands.
        note: Called with each thing that is done, in words.
    """

    def __init__(
        self, world: FaultWorld, strikes: Sequence[Strike], end_s: float, commands: int, note: Callable[[str], None]
    ) -> None:
        self.values = np.full(commands, np.nan)
        self.alive_ns = world.clock.now_ns()
        self.stop = self.emergency = False
        self.resets = self.starts = 0
        self._world = world
        self._note = note
        self._lost_s = min((s.at_s for s in strikes if s.entry["kind"] == "lost"), default=float("inf"))
        self._due: list[tuple[float, str]] = [(end_s, "stop")]
        for strike in strikes:
            kind = str(strike.entry["kind"])
            if kind in ("stop", "emergency"):
                self._due.append((strike.at_s, kind))
            elif kind == "reset":
                self._due += [(strike.at_s, "reset"), (strike.at_s + float(strike.entry["value"]), "start")]
        self._due.sort()

    def poll(self) -> None:
        """Do what is due."""
        now_s = self._world.elapsed_s()
        if now_s < self._lost_s:
            self.alive_ns = self._world.clock.now_ns()
        while self._due and self._due[0][0] <= now_s:
            kind = self._due.pop(0)[1]
            self.stop |= kind == "stop"
            self.emergency |= kind == "emergency"
            self.resets += kind == "reset"
            self.starts += kind == "start"
            self._note(kind)
