"""The faults of an emulated robot, executed on its own time from a seed, and counted."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from configs.errors import UserError
from configs.schema.robot import RobotConfig
from configs.schema.scenario import (
    DelayFaultConfig,
    FaultConfig,
    FaultsConfig,
    MotorFaultConfig,
    ReplyFaultConfig,
    UnplugFaultConfig,
)
from hardware.clock import ns_from_s

_NEVER = 1 << 62
_ONCE = ("power_cycle", "overload")


@dataclass(frozen=True, slots=True)
class Transition:
    """A fault of a motor or of a port that begins or ends."""

    time_ns: int
    fault: MotorFaultConfig | UnplugFaultConfig
    begins: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """One reply as it comes out of the adapter."""

    data: bytes
    delay_ns: int = 0


class FaultScript:
    """What goes wrong and when. Times count from `start`, which is called when torque is first switched on.

    Attributes:
        injected: How often each kind has really happened: replies touched, or faults of motors and ports begun.
    """

    def __init__(self, config: FaultsConfig, seed: int = 0) -> None:
        self.injected: Counter[str] = Counter()
        self._random = np.random.default_rng((config.seed, seed))
        self._replies: list[ReplyFaultConfig | DelayFaultConfig] = []
        self._timed: list[MotorFaultConfig | UnplugFaultConfig] = []
        for fault in config.faults:
            if isinstance(fault, ReplyFaultConfig | DelayFaultConfig):
                self._replies.append(fault)
            else:
                self._timed.append(fault)
        self._transitions: list[Transition] = []
        self._zero_ns: int | None = None

    @property
    def started(self) -> bool:
        """Whether torque has been on, so that the time of the faults runs."""
        return self._zero_ns is not None

    def start(self, now_ns: int) -> None:
        """Let the time of the faults begin; later calls do nothing."""
        if self._zero_ns is not None:
            return
        self._zero_ns = now_ns
        for fault in self._timed:
            begin_ns, end_ns = _window(fault, now_ns)
            self._transitions.append(Transition(begin_ns, fault, begins=True))
            if end_ns < _NEVER and fault.kind not in _ONCE:
                self._transitions.append(Transition(end_ns, fault, begins=False))
        # Sorting is stable: what begins or ends at the same time does so in the order of the file.
        self._transitions.sort(key=lambda transition: transition.time_ns)

    @property
    def next_ns(self) -> int:
        """Time of the next transition; far away when there is none."""
        return self._transitions[0].time_ns if self._transitions else _NEVER

    def take(self) -> Transition:
        """Return the next transition, which the caller carries out now; its begin is counted."""
        transition = self._transitions.pop(0)
        if transition.begins:
            self.injected[transition.fault.kind] += 1
        return transition

    def deliver(self, bus: str, data: bytes, now_ns: int) -> list[Delivery]:
        """Return what becomes of one reply that a motor has sent: nothing, itself, or something else."""
        if self._zero_ns is None or not self._replies:
            return [Delivery(data)]
        delay_ns, copies = 0, 1
        for fault in self._replies:
            if not self._strikes(fault, bus, now_ns):
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

    def _strikes(self, fault: ReplyFaultConfig | DelayFaultConfig, bus: str, now_ns: int) -> bool:
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
    """Raise UserError if a fault names a joint or a bus that the robot does not have."""
    for fault in config.faults:
        on_joint = isinstance(fault, MotorFaultConfig)
        name = fault.joint if isinstance(fault, MotorFaultConfig) else fault.bus
        valid = list(robot.joints if on_joint else robot.buses)
        if name is not None and name not in valid:
            kind = "joint" if on_joint else "bus"
            raise UserError(f"faults {config.name!r}: {fault.kind!r} names {kind} {name!r}; valid: {', '.join(valid)}")


def _window(fault: FaultConfig, zero_ns: int) -> tuple[int, int]:
    begin_ns = zero_ns + ns_from_s(fault.start)
    return begin_ns, _NEVER if fault.duration is None else begin_ns + ns_from_s(fault.duration)
