"""Cost of a tick without its wait for the bus: the whole run in lockstep, on a stopwatch that skips the wire.

What counts is everything from the moment the replies are in the receive buffer to the moment the tick is recorded:
decoding, safety's check, observation, inference, limits, encoding of the goals, the push to the log, and the session's
own bookkeeping. What does not count: the bytes on the wire, and the emulated robot that makes them. Drivers, contract,
policy, safety and session are the ones of every run; only transport and clock are the benchmark's.
"""

import gc
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.benchmark.memory import growth, resident_kib
from sim2real.benchmark.off_the_clock import OffTheClock, Stopwatch, TickClock
from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.plant import AUTO_PLANT, choose_plant, make_plant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import Int64Array
from sim2real.runtime.controller import Controller
from sim2real.runtime.policy import Policy
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State

BAR_US = 250.0
"""Required upper bound of the median tick of the quadruped, µs."""

_START_NS = 1_000_000_000
_WARM_UP = 500  # ticks: buffers, caches and the interpreter's specialised byte code are in place
_ROUNDS = 10
_SAMPLES = 100  # of the allocated blocks


def bench_tick(policy: Policy, robot: RobotConfig, ticks: int, *, log: bool = True) -> dict[str, Any]:
    """Measure the ticks of a run in lockstep.

    Args:
        policy: The policy; its contract must be the robot's.
        robot: The robot.
        ticks: Ticks of policy to measure, after the warm-up.
        log: Whether the run writes a log, to a temporary file.

    Returns:
        `ratios`: the median over its bar of 250 µs, that of the part after the readings are in and checked too, and the
        99th percentile over the median. `figures`: percentiles of the tick and of its stages in µs, the medians of ten
        equal parts of the run, and by how much the interpreter's allocated blocks and the resident memory grew from the
        end of the warm-up to the last tick.

    Raises:
        UserError: The policy is for another robot, or the run ended early.
    """
    rate = policy.contract.control_rate
    virtual, watch = VirtualClock(_START_NS), Stopwatch()
    # Mechanics as they are: a policy that walks in air asks for what safety has to limit in every tick.
    emulated = EmulatedRobot(robot, make_plant(choose_plant(AUTO_PLANT), robot), start_ns=_START_NS)
    transports = {name: OffTheClock(emulated, port, virtual, watch) for name, port in emulated.ports.items()}
    clock = TickClock(virtual, watch)
    hardware = RobotHardware(robot, transports, virtual)
    samples = _Samples(watch, clock, ticks)
    with tempfile.TemporaryDirectory(prefix="sim2real-bench-") as folder, _no_collection():
        options = RunOptions(
            duration=(_WARM_UP + ticks) / rate,
            log=Path(folder) / "run.mcap" if log else None,
            on_tick=samples.take,
            stopwatch=watch,
        )
        report = run_session(policy, robot, hardware, clock, options)
    options.stop.raise_if_signalled()
    if report.final_state is not State.RUNNING or samples.count < ticks:
        raise UserError(f"bench tick: the run ended in {report.final_state.name}: {'; '.join(report.reasons)}")
    times = samples.times_ns / 1e3
    p50, p90, p99, p999 = (float(value) for value in np.percentile(times, [50, 90, 99, 99.9]))
    after_reading = float(np.median(samples.after_reading_ns)) / 1e3
    return {
        "ratios": {
            "tick_p50_over_bar": p50 / BAR_US,
            "after_reading_p50_over_bar": after_reading / BAR_US,
            "tick_p99_over_p50": p99 / p50,
        },
        "figures": {
            "robot": robot.name,
            "motors": len(robot.joints),
            "observations": policy.contract.observation_size,
            "ticks": samples.count,
            "tick_p50_us": p50,
            "tick_p90_us": p90,
            "tick_p99_us": p99,
            "tick_p99_9_us": p999,
            "tick_max_us": float(times.max()),
            "after_reading_p50_us": after_reading,
            "rounds_p50_us": [float(np.median(part)) for part in np.array_split(times, _ROUNDS)],
            "stage_p50_us": _stages(report.statistics.document(), "p50_us"),
            "stage_p99_us": _stages(report.statistics.document(), "p99_us"),
            "allocated_blocks_growth": samples.blocks_growth,
            "resident_growth_kib": samples.resident_growth_kib,
            "interventions": report.interventions_total,
            "logged_ticks": report.logged_ticks,
        },
    }


class _Samples:
    """Times of the measured ticks, and the memory of the process meanwhile, in arrays that are made beforehand."""

    def __init__(self, watch: Stopwatch, clock: TickClock, ticks: int) -> None:
        self.count = 0
        self._watch, self._clock = watch, clock
        self._seen = 0
        # Filled, as zeros would be mapped page by page in the measured ticks.
        self._times, self._reading = np.full(ticks, -1, np.int64), np.full(ticks, -1, np.int64)
        self._blocks, self._resident = np.zeros(_SAMPLES + 1, np.int64), np.zeros(_SAMPLES + 1, np.int64)
        self._every = max(1, ticks // _SAMPLES)
        self._samples = 0

    def take(self, controller: Controller) -> None:
        """Note one tick of policy; called when it is recorded."""
        elapsed = self._watch() - self._clock.woken_ns
        if not controller.record.ran:
            return
        self._seen += 1
        if self._seen <= _WARM_UP or self.count == len(self._times):
            return
        if self.count % self._every == 0 and self._samples <= _SAMPLES:
            self._blocks[self._samples] = sys.getallocatedblocks()
            self._resident[self._samples] = resident_kib()
            self._samples += 1
        self._times[self.count], self._reading[self.count] = elapsed, controller.record.read_ns
        self.count += 1

    @property
    def times_ns(self) -> Int64Array:
        """Times of the ticks, (N,)."""
        return self._times[: self.count]

    @property
    def after_reading_ns(self) -> Int64Array:
        """Times of the ticks without the stage `read`, which decodes the replies and checks them, (N,)."""
        return self._times[: self.count] - self._reading[: self.count]

    @property
    def blocks_growth(self) -> int:
        """Growth of the allocated blocks: median of the last tenth of the samples minus that of the first."""
        return round(growth(self._blocks[: self._samples].astype(np.float64)))

    @property
    def resident_growth_kib(self) -> int:
        """Growth of the resident memory, the same way."""
        return round(growth(self._resident[: self._samples].astype(np.float64)))


def _stages(document: dict[str, dict[str, float]], figure: str) -> dict[str, float]:
    return {stage: values[figure] for stage, values in document.items() if stage != "lateness"}


@contextmanager
def _no_collection() -> Iterator[None]:
    """Do as the real-time profile does, so that what piles up is seen and not collected."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
