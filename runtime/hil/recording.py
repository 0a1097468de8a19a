"""What a run leaves for the checks of a scenario: every tick, and what was read inside the emulated robot."""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim2real.configs.schema.run_signal import SIGNALS
from sim2real.hardware.clock import NS_PER_S, Clock
from sim2real.hardware.emulator.plant import PushablePlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.controller import Controller
from sim2real.runtime.hil.steps import Steps
from sim2real.runtime.states import State
from sim2real.runtime.tick_fields import row_layout

_WALL_FIELDS: Final = ("lateness_ns", "read_ns", "policy_ns", "work_ns")
"""Fields of a tick that the machine's own clock decides, even in lockstep."""

_FIELD_OF: Final = {"command_position": "command_position", "command_effort": "command_effort"} | {
    name: name for name in ("position", "velocity", "effort", "temperature", "voltage")
}
_STATES: Final = tuple(State)


@dataclass(frozen=True)
class Recording:
    """A run in the signals of a scenario.

    Attributes are in s since power-up; None where it did not happen.
    """

    signals: dict[str, Steps]
    """Every signal, those of joints and IMUs with all their parts."""
    policy_at: float | None
    """When the policy first ran."""
    torque_at: float | None
    """When torque was first switched on."""
    fault_at: float | None
    """When the first fault or disturbance took effect."""
    end: float
    """End of the run."""
    period: float
    """Control period, s: the resolution of what the runtime measured."""
    digest: str
    """SHA-256 of every tick and of what was read at the motors; the same for the same run on the same machine."""

    def steps(self, name: str) -> Steps:
        """Return a signal by the name in a condition: `velocity`, or `knee.velocity`."""
        owner, _, of = name.rpartition(".")
        if not owner:
            return self.signals[name]
        whole = self.signals["command" if owner == "command" else of]
        column = whole.parts.index(of if owner == "command" else owner)
        return Steps(whole.time, whole.values[:, column : column + 1], (whole.parts[column],))

    def zero(self, since: str) -> float | None:
        """Return the time that a check counts from; None if it never came."""
        return {"policy": self.policy_at, "torque": self.torque_at, "fault": self.fault_at}[since]


class Recorder:
    """Keeps a run as it happens.

    Args:
        contract: The policy's.
        clock: The clock of the run.
        emulated: The emulated robot, if it is in this process: only then is there anything to tell of its inside.
    """

    def __init__(self, contract: Contract, clock: Clock, emulated: EmulatedRobot | None = None) -> None:
        self._contract = contract
        self._clock = clock
        self._emulated = emulated
        self._layout = row_layout(contract)
        self._rows: list[bytes] = []
        self._time: list[float] = []
        self._states: list[int] = []
        self._counts: list[tuple[int, int, int]] = []
        self._true: list[Float64Array] = []
        self._base: list[tuple[float, float, float]] = []
        self._start_ns = clock.now_ns()
        self._torque: list[tuple[float, bool]] = [(0.0, False)]
        self._faults: list[tuple[float, int]] = [(0.0, 0)]
        self._missed = 0
        self._policy_ns: int | None = None
        self.disturbed_at: float | None = None
        """When the first disturbance that is no fault of the emulated robot took effect."""
        if emulated is not None:
            emulated.observer = self._observe

    def seconds(self, time_ns: int) -> float:
        """Return a time in s since power-up."""
        return (time_ns - self._start_ns) / NS_PER_S

    def disturb(self) -> None:
        """Note that a disturbance begins now."""
        if self.disturbed_at is None:
            self.disturbed_at = self.seconds(self._clock.now_ns())

    def tick(self, controller: Controller) -> None:
        """Keep one tick."""
        record = controller.record
        self._missed += record.missed
        self._policy_ns = controller.running_since_ns
        self._rows.append(bytes(record.pack()))
        self._keep(self.seconds(record.time_ns), controller)

    def finish(self, controller: Controller | None) -> None:
        """Keep the state at the end of the run, before the runtime shuts down."""
        now_ns = self._clock.now_ns()
        if self._emulated is not None:
            self._emulated.advance_to(now_ns)
            self._observe(now_ns)
        if controller is not None and self._rows:
            self._rows.append(self._rows[-1])
            self._keep(self.seconds(now_ns), controller)

    def _keep(self, time: float, controller: Controller) -> None:
        self._time.append(time)
        self._states.append(controller.state.value)
        self._counts.append((controller.interventions.total, controller.held_ticks, self._missed))
        if self._emulated is None:
            return
        plant = self._emulated.plant
        self._true.append(np.array([plant.position, plant.velocity, self._emulated.electrics.temperature]))
        base = plant.base() if isinstance(plant, PushablePlant) else None
        self._base.append((np.nan, np.nan, np.nan) if base is None else (base.height, base.tilt, base.speed))

    def _observe(self, time_ns: int) -> None:
        if self._emulated is None:
            return
        on = any(motor.driven for motor in self._emulated.motors.values())
        if on != self._torque[-1][1]:
            self._torque.append((self.seconds(time_ns), on))
        count = sum(self._emulated.faults.injected.values())
        if count != self._faults[-1][1]:
            self._faults.append((self.seconds(time_ns), count))

    def recording(self, distance: Float64Array) -> Recording:
        """Return the finished recording.

        Args:
            distance: Distance from the goal in each tick, (N,) or fewer.
        """
        rows = np.frombuffer(b"".join(self._rows), self._layout.dtype).copy()
        for name in _WALL_FIELDS:
            rows[name] = 0
        # A real robot does not tell; torque is switched on just before the first tick.
        first = next((time for time, on in self._torque if on), None)
        torque = first if self._emulated is not None else (self._time[0] if self._time else None)
        injected = [time for time, count in self._faults if count]
        disturbed = [time for time in (self.disturbed_at, *injected[:1]) if time is not None]
        return Recording(
            self._signals(rows, distance),
            None if self._policy_ns is None else self.seconds(self._policy_ns),
            torque,
            min(disturbed, default=None),
            self.seconds(self._clock.now_ns()),
            1.0 / self._contract.control_rate,
            self._digest(rows),
        )

    def _signals(self, rows: np.ndarray[tuple[int], np.dtype[np.void]], distance: Float64Array) -> dict[str, Steps]:
        count, joints, imus = len(self._time), self._contract.joint_names, tuple(self._contract.robot.imus)
        time = np.array(self._time)
        counts = np.array(self._counts, float).reshape(count, 3)
        goal = np.full(count, np.nan)
        goal[: len(distance)] = distance[:count]
        states = np.array([_STATES.index(State(value)) for value in self._states], float)
        values: dict[str, tuple[Float64Array, tuple[str, ...]]] = {
            "state": (states[:, None], ("",)),
            "goal_distance": (goal[:, None], ("",)),
            **{
                name: (counts[:, [at]], ("",))
                for at, name in enumerate(("interventions", "held_ticks", "missed_ticks"))
            },
            **{name: (np.asarray(rows[field], float), joints) for name, field in _FIELD_OF.items()},
        }
        if imus:
            names = tuple(imu.name for imu in imus)
            values["tilt"] = (_tilt(rows["imu_orientation"]), names)
            values["turn_rate"] = (np.linalg.norm(rows["imu_angular_velocity"], axis=-1), names)
        if self._contract.commands:
            names = tuple(command.name for command in self._contract.commands)
            values["command"] = (np.asarray(rows["asked"], float), names)
        signals = {name: Steps(time, *value) for name, value in values.items()} | self._true_signals(time, joints)
        return {signal.name: signals[signal.name] for signal in SIGNALS if signal.name in signals}

    def _true_signals(self, time: Float64Array, joints: tuple[str, ...]) -> dict[str, Steps]:
        """Return what was read inside the emulated robot; nothing of a real one."""
        if self._emulated is None:
            return {}
        base = np.array(self._base).reshape(len(time), 3)
        true = np.array(self._true).reshape(len(time), 3, len(joints))
        own = ("base_height", "base_tilt", "base_speed")
        of_joints = ("true_position", "true_velocity", "true_temperature")
        return {
            **{name: Steps(time, base[:, [at]], ("",)) for at, name in enumerate(own)},
            **{name: Steps(time, true[:, at], joints) for at, name in enumerate(of_joints)},
            "torque": _events([(at, float(not on)) for at, on in self._torque]),  # words: on, off
            "faults": _events([(at, float(number)) for at, number in self._faults]),
        }

    def _digest(self, rows: np.ndarray[tuple[int], np.dtype[np.void]]) -> str:
        digest = hashlib.sha256()
        for name in rows.dtype.names or ():  # field by field: the padding between them is anything
            digest.update(np.ascontiguousarray(rows[name]).tobytes())
        digest.update(np.array(self._states).tobytes())
        digest.update(np.array(self._true).tobytes())
        digest.update(repr((self._torque, self._faults)).encode())
        return digest.hexdigest()


def _events(changes: list[tuple[float, float]]) -> Steps:
    time, values = (np.array(column) for column in zip(*changes, strict=True))
    return Steps(time, values[:, None], ("",))


def _tilt(orientation: Float64Array) -> Float64Array:
    """Return the angle from upright of quaternions w x y z, (N, K): cos = 1 − 2(x² + y²)."""
    x, y = orientation[..., 1], orientation[..., 2]
    return np.asarray(np.arccos(np.clip(1.0 - 2.0 * (x * x + y * y), -1.0, 1.0)))
