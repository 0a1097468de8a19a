"""Watches what is true of the emulated robot while its motors are driven: angles, torque, temperatures, voltage."""

from collections.abc import Sequence

from sim2real.benchmark.fault_oracle import MotorOracle
from sim2real.benchmark.fault_scenarios import Strike
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.emulator.robot import EmulatedRobot

_SLACK_S = 0.3
_PERIOD_NS = 5_000_000
_SENSOR_SLACK = 2.0  # °C and shares of volts: what registers round away
_BLINDING = {
    "position": ("slipping_encoder",),
    "temperature": ("stuck_temperature",),
    "voltage": (),
}
"""Faults after which no reading tells the truth, so that nobody could know."""


class Truth:
    """Measures how long the robot was driven outside what its YAML allows.

    Args:
        robot: Gives the limits, and how soon a reading must count.
        oracle: Collects the findings, and knows which motors are driven.
        strikes: What blinds the sensors.
        stops: Whether the joints have mechanical stops. Where a plant has none, a joint that is taken to stand still
            turns for ever, as no joint here can: where it is then says nothing.

    Attributes:
        torque_ns: When torque first came on.
    """

    def __init__(self, robot: RobotConfig, oracle: MotorOracle, strikes: Sequence[Strike], *, stops: bool) -> None:
        safety = robot.safety
        self.torque_ns: int | None = None
        self._robot = robot
        self._oracle = oracle
        self._since: dict[tuple[str, str], int] = {}
        self._due_ns = 0
        moved_s = max(safety.communication_loss, safety.tracking_time, safety.frozen_after) + _SLACK_S
        polled_s = safety.health_age_max + 2.0 * _SLACK_S
        limp_s = safety.communication_loss + 2.0 * _SLACK_S
        self._allowed_s = {"position": moved_s, "temperature": polled_s, "voltage": polled_s, "limp": limp_s}
        self._blind = {
            (kind, strike.joint)
            for strike in strikes
            for kind, blinding in _BLINDING.items()
            if strike.entry["kind"] in blinding
        }
        if not stops:
            self._blind |= {("position", strike.joint) for strike in strikes if strike.case.needs_stops}

    def see(self, time_ns: int, emulated: EmulatedRobot) -> None:
        """Look at the robot now, not more often than a sensor would."""
        if time_ns < self._due_ns:
            return
        self._due_ns = time_ns + _PERIOD_NS
        driven = set(self._oracle.driven())
        if driven and self.torque_ns is None:
            self.torque_ns = time_ns
        safety = self._robot.safety
        positions = emulated.plant.position.tolist()
        for index, (name, joint) in enumerate(self._robot.joints.items()):
            lowest, highest = joint.position_limits
            margin = safety.position_margin
            held = name in driven
            inside = lowest - margin <= positions[index] <= highest + margin
            low, high = safety.voltages_at(joint.supply)
            volts = emulated.electrics.fed_by[index].voltage
            fed = low - 0.1 * _SENSOR_SLACK <= volts <= high + 0.1 * _SENSOR_SLACK
            cool = emulated.electrics.temperature[index] <= safety.temperature_max + _SENSOR_SLACK
            self._note("limp", name, time_ns, wrong=bool(driven) and not held, value=0.0)
            self._note("position", name, time_ns, wrong=held and not inside, value=positions[index])
            self._note(
                "temperature", name, time_ns, wrong=held and not cool, value=emulated.electrics.temperature[index]
            )
            self._note("voltage", name, time_ns, wrong=held and not fed, value=volts)

    def _note(self, kind: str, joint: str, time_ns: int, *, wrong: bool, value: float) -> None:
        key = (kind, joint)
        if not wrong or key in self._blind:
            self._since.pop(key, None)
            return
        lasted_s = (time_ns - self._since.setdefault(key, time_ns)) / NS_PER_S
        if lasted_s > self._allowed_s[kind]:
            said = "while others are driven" if kind == "limp" else f"{value:.3g}"
            self._oracle.report(
                f"out of {kind}" if kind != "limp" else kind, time_ns, joint, f"{said} for {lasted_s:.2f} s"
            )
            self._since.pop(key)
