"""Injects the scripted faults of an emulated robot, in emulated time and from a seed, and counts them."""

from bisect import insort
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.fault import (
    DelayFaultConfig,
    EncoderJumpFaultConfig,
    FaultConfig,
    InstructionFaultConfig,
    MessageFault,
    NoiseFaultConfig,
    ReplyFaultConfig,
    StuckEncoderFaultConfig,
    TimedFault,
    unknown_part,
)
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import ns_from_s

_NEVER = 1 << 62
_ONCE: Final = ("power_cycle", "brief_reset", "overload")

_Repeated = NoiseFaultConfig | StuckEncoderFaultConfig | EncoderJumpFaultConfig
"""Timed faults that draw something anew in each period."""


@dataclass(frozen=True, slots=True)
class Transition:
    """The start, change or end of a timed fault."""

    time_ns: int
    fault: TimedFault
    begins: bool
    value: float = 0.0
    """Error of an encoder's reading, rad: drawn from the seed where the fault says so."""
    data: bytes = b""
    """Bytes of a burst of noise."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One reply as delivered by the adapter."""

    data: bytes
    delay_ns: int = 0


class FaultScript:
    """The faults and their times.

    Times count from power-up, or from `start`, which is called when torque is first switched on.

    Attributes:
        injected: Number of injected faults by kind: messages affected, or faults of motors and ports started.
    """

    def __init__(self, config: FaultsConfig, seed: int = 0, power_up_ns: int = 0) -> None:
        self.injected: Counter[str] = Counter()
        self._power_up_ns = power_up_ns
        self._random = np.random.default_rng((config.seed, seed))
        self._replies: list[ReplyFaultConfig | DelayFaultConfig] = []
        self._instructions: list[InstructionFaultConfig] = []
        self._timed: list[TimedFault] = []
        for fault in config.faults:
            if isinstance(fault, ReplyFaultConfig | DelayFaultConfig):
                self._replies.append(fault)
            elif isinstance(fault, InstructionFaultConfig):
                self._instructions.append(fault)
            else:
                self._timed.append(fault)
        self._transitions: list[Transition] = []
        self._zero_ns: int | None = None
        self._schedule("power_up", power_up_ns)

    @property
    def started(self) -> bool:
        """Whether torque has been on, which starts the time of the faults."""
        return self._zero_ns is not None

    def start(self, now_ns: int) -> None:
        """Start the time of the faults; later calls do nothing."""
        if self._zero_ns is not None:
            return
        self._zero_ns = now_ns
        self._schedule("torque", now_ns)

    def _schedule(self, since: str, zero_ns: int) -> None:
        for fault in self._timed:
            if fault.since == since:
                begin_ns, end_ns = _window(fault, zero_ns)
                self._transitions.append(Transition(begin_ns, fault, begins=True))
                if end_ns < _NEVER and fault.kind not in _ONCE:
                    self._transitions.append(Transition(end_ns, fault, begins=False))
        # The sort is stable: transitions at the same time keep the order of the file.
        self._transitions.sort(key=lambda transition: transition.time_ns)

    @property
    def next_ns(self) -> int:
        """Time of the next transition, ns; `_NEVER` if there is none."""
        return self._transitions[0].time_ns if self._transitions else _NEVER

    def take(self) -> Transition:
        """Remove and return the next transition, which the caller executes now. Counts starts and jumps."""
        transition = self._transitions.pop(0)
        if transition.begins:
            self.injected[transition.fault.kind] += 1
            if isinstance(transition.fault, _Repeated):
                return self._draw(transition, transition.fault)
        return transition

    def _draw(self, transition: Transition, fault: _Repeated) -> Transition:
        """Draw the error of the reading, or the burst, of this period; schedule the next period."""
        again = replace(transition, time_ns=transition.time_ns + ns_from_s(fault.period))
        repeats = not (isinstance(fault, StuckEncoderFaultConfig) and fault.noise == 0.0)
        if repeats and again.time_ns < _window(fault, self._zero_of(fault))[1]:
            insort(self._transitions, again, key=lambda transition: transition.time_ns)
        if isinstance(fault, NoiseFaultConfig):
            return replace(transition, data=self._random.bytes(int(self._random.integers(1, fault.length + 1))))
        bound = fault.noise if isinstance(fault, StuckEncoderFaultConfig) else fault.jump
        return replace(transition, value=float(self._random.uniform(-bound, bound)))

    def _zero_of(self, fault: FaultConfig) -> int:
        """Return the time from which the times of a fault count, ns; never if torque has not been on yet."""
        if fault.since == "power_up":
            return self._power_up_ns
        return _NEVER if self._zero_ns is None else self._zero_ns

    def receive(self, bus: str, data: bytes, now_ns: int) -> bytes:
        """Return the bytes that motors receive of one instruction; empty if it is lost."""
        for fault in self._instructions:
            if self._applies(fault, bus, now_ns):
                self.injected[fault.kind] += 1
                if fault.kind == "lose_instruction":
                    return b""
                data = self._damage(fault.kind, data)
        return data

    def deliver(self, bus: str, data: bytes, now_ns: int) -> list[Delivery]:
        """Return the deliveries of one reply: none if it is lost, more than one if it is duplicated."""
        if not self._replies:
            return [Delivery(data)]
        delay_ns, copies = 0, 1
        for fault in self._replies:
            if not self._applies(fault, bus, now_ns):
                continue
            self.injected[fault.kind] += 1
            if isinstance(fault, DelayFaultConfig):
                delay_ns += ns_from_s(fault.delay)
            elif fault.kind == "lose_reply":
                return []
            elif fault.kind == "duplicate_reply":
                copies += 1
            else:
                data = self._damage(fault.kind, data)
        return [Delivery(data, delay_ns)] * copies

    def _applies(self, fault: MessageFault, bus: str, now_ns: int) -> bool:
        begin_ns, end_ns = _window(fault, self._zero_of(fault))
        if fault.bus not in (None, bus) or not begin_ns <= now_ns < end_ns:
            return False
        return bool(self._random.random() < fault.probability)

    def _damage(self, kind: str, data: bytes) -> bytes:
        if not data:
            return data
        if kind == "truncate_reply":
            return data[: int(self._random.integers(len(data)))]
        damaged = bytearray(data)
        damaged[int(self._random.integers(len(data)))] ^= 1 << int(self._random.integers(8))
        return bytes(damaged)


def check_faults(config: FaultsConfig, robot: RobotConfig) -> None:
    """Raise UserError if a fault names a joint, bus or IMU that the robot does not have."""
    for fault in config.faults:
        unknown = unknown_part(fault, robot)
        if unknown is not None:
            raise UserError(f"faults {config.name!r}: {fault.kind!r}: {unknown[1]}")


def _window(fault: FaultConfig, zero_ns: int) -> tuple[int, int]:
    begin_ns = zero_ns + ns_from_s(fault.start)
    return begin_ns, _NEVER if fault.duration is None else begin_ns + ns_from_s(fault.duration)
