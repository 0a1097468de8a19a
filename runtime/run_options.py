"""Options of a run."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sim2real.runtime.controller import Controller
from sim2real.runtime.log_file import Rotation
from sim2real.runtime.operator.interface import Operator
from sim2real.runtime.ring import SharedRing
from sim2real.runtime.stop import StopRequest


@dataclass(frozen=True)
class RunOptions:
    """Options of a run; only `commands` and the operator change what the policy sees."""

    duration: float | None = None
    """s of policy; until stopped when None."""
    log: Path | None = None
    synchronous_log: bool = False
    """Write the log within the tick: for virtual clocks, where it makes no difference and the file is deterministic."""
    log_rotation: Rotation = field(default_factory=Rotation)
    """When the log goes on in a new file."""
    real_time: bool = False
    """Request the real-time profile."""
    cpu: int | None = None
    before_shutdown: Callable[[], None] | None = None
    """Called at the end of the run, before torque is switched off."""
    commands: Mapping[str, float] = field(default_factory=dict)
    """Operator commands by name, SI units; the task's defaults for the rest."""
    on_tick: Callable[[Controller], None] | None = None
    """Called after every tick; must be quick. What it raises ends the run, and is raised after torque is off."""
    stopwatch: Callable[[], int] = time.perf_counter_ns
    """Integer nanoseconds, for the statistics of the stages."""
    stop: StopRequest = field(default_factory=StopRequest)
    operator: Operator | None = None
    """Polled once a tick; `stop` is then also what it asks for. With one, a fault does not end the run: it waits for a
    reset and a start, or for a stop."""
    wait_for_start: bool = False
    """Wait in LIMP, without torque, until the operator starts."""
    on_wait: Callable[[bool], None] = lambda _begins: None
    """Called without torque when the wait for a start begins, True, and when a start ends it, False."""
    ring: SharedRing | None = None
    """For processes beside the run: gets every tick, also those in LIMP, and the final state."""
