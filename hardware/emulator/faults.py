"""Injects the scripted faults of an emulated robot, in emulated time and from a seed, and counts them."""

from bisect import insort
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import (
    BrownOutFaultConfig,
    DelayFaultConfig,
    EncoderJumpFaultConfig,
    FaultConfig,
    FaultsConfig,
    ImuFaultConfig,
    InstructionFaultConfig,
    MotorFaultConfig,
    ReplyFaultConfig,
    UnplugFaultConfig,
    unknown_part,
)
from sim2real.hardware.clock import ns_from_s

_NEVER = 1 << 62
_ONCE = ("power_cycle", "overload")

TimedFault = MotorFaultConfig | EncoderJumpFaultConfig | BrownOutFaultConfig | ImuFaultConfig | UnplugFaultConfig
"""Faults with a start and an end, unlike faults of single messages."""


@dataclass(frozen=True, slots=True)
class Transition:
    """The start, change or end of a timed fault."""

    time_ns: int
    fault: TimedFault
    begins: bool
    value: float = 0.0
    """Encoder offset after a jump, rad from the true angle."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One reply as delivered by the adapter."""

    data: bytes
    delay_ns: int = 0


class FaultScript:
    """The faults and their times. Times count from `start`, which is called when torque is first switched on.

    Attributes:
        injected: Number of injected faults by kind: messages affected, or faults of motors and ports started.
    """

    def __init__(self, config: FaultsConfig, seed: int = 0) -> None:
        self.injected: Counter[str] = Counter()
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

    @property
    def started(self) -> bool:
        """Whether torque has been on, which starts the time of the faults."""
        return self._zero_ns is not None

    def start(self, now_ns: int) -> None:
        """Start the time of the faults; later calls do nothing."""
        if self._zero_ns is not None:
            return
        self._zero_ns = now_ns
        for fault in self._timed:
            begin_ns, end_ns = _window(fault, now_ns)
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
            if isinstance(transition.fault, EncoderJumpFaultConfig):
                return self._jump(transition, transition.fault)
        return transition

    def _jump(self, transition: Transition, fault: EncoderJumpFaultConfig) -> Transition:
        """Draw the encoder offset and schedule the next jump."""
        again = replace(transition, time_ns=transition.time_ns + ns_from_s(fault.period))
        if again.time_ns < _window(fault, self._zero_ns or 0)[1]:
            insort(self._transitions, again, key=lambda transition: transition.time_ns)
        return replace(transition, value=float(self._random.uniform(-fault.jump, fault.jump)))

    def receive(self, bus: str, data: bytes, now_ns: int) -> bytes:
        """Return the bytes that motors receive of one instruction; empty if it is lost."""
        if self._zero_ns is None:
            return data
        for fault in self._instructions:
            if self._applies(fault, bus, now_ns):
                self.injected[fault.kind] += 1
                if fault.kind == "lose_instruction":
                    return b""
                data = self._damage(fault.kind, data)
        return data

    def deliver(self, bus: str, data: bytes, now_ns: int) -> list[Delivery]:
        """Return the deliveries of one reply: none if it is lost, more than one if it is duplicated."""
        if self._zero_ns is None or not self._replies:
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

    def _applies(
        self, fault: ReplyFaultConfig | DelayFaultConfig | InstructionFaultConfig, bus: str, now_ns: int
    ) -> bool:
        begin_ns, end_ns = _window(fault, self._zero_ns or 0)
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
