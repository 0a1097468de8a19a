"""Judges one scenario of a fault campaign: when torque had to be off, and was."""

from typing import Final

from sim2real.benchmark.fault_oracle import MotorOracle
from sim2real.benchmark.fault_scenarios import Scenario, Strike
from sim2real.benchmark.fault_truth import Truth
from sim2real.benchmark.fault_world import FaultWorld
from sim2real.hardware.clock import NS_PER_S
from sim2real.runtime.report import RunReport

LATCHED_FAULT, STOP_REQUEST = "latched fault", "request to stop"
"""Causes after which torque goes off."""
_OFF_S: Final = 0.06  # from a latched fault, or the request to stop, to torque off at motors that hear
_SUPERVISED_S: Final = 0.1  # the same where the loop stands still: the supervisor's bar
_SLACK_S: Final = 0.3  # beyond the deadline of a fault, for the ticks and polls that see it


class FaultJudge:
    """Follows a scenario, and says afterwards what was wrong.

    Args:
        scenario: What happens.
        world: Where.
        oracle: What the motors did.
        truth: What the runtime could know.
    """

    def __init__(self, scenario: Scenario, world: FaultWorld, oracle: MotorOracle, truth: Truth) -> None:
        self._scenario, self._world, self._oracle, self._truth = scenario, world, oracle, truth
        self.problems: list[str] = []
        """What was wrong."""
        self._awaited: dict[str, int] = {}  # since when torque is expected to go off, by the cause
        self._quiet: dict[str, int] = {}  # when it was off

    def expect_off(self, cause: str, time_ns: int) -> None:
        """Expect torque to go off from now on, for one of the causes."""
        self._awaited[cause] = time_ns

    def judge(
        self, report: RunReport | None, ended: str, reasons: tuple[str, ...], on_at_return: list[str], ticked_ns: int
    ) -> None:
        """Find what was wrong, when every watchdog has had its time.

        Args:
            report: What the run returned, if it did.
            ended: State at the end of the run; `refused` or `raised` if it never returned.
            reasons: Why it was not ok.
            on_at_return: Joints that were driven when it returned.
            ticked_ns: Time of its last tick.
        """
        if getattr(self._world.plant, "diverged", False):
            self.problems.append("the mechanics diverged")
        self._judge_torque(report, ended, reasons, on_at_return)
        self._judge_latch(ended, ticked_ns)
        self._judge_off_time()
        if report is not None and not report.ok and not report.reasons:
            self.problems.append("not ok without a reason")

    def _judge_torque(
        self, report: RunReport | None, ended: str, reasons: tuple[str, ...], on_at_return: list[str]
    ) -> None:
        """Torque is off at every motor, or those that were not confirmed are named and the run is not ok."""
        if report is not None and report.ok and on_at_return:
            self.problems.append(f"ok, but torque is on: {', '.join(on_at_return)}")
        on = self._oracle.driven()
        if not on:
            return
        text = " ".join(reasons)
        unnamed = [joint for joint in on if joint not in text]
        if unnamed:
            self.problems.append(f"torque is on, and not named ({ended}): {', '.join(unnamed)}")
        hearing = sorted(set(on) - self._deaf(None))
        if hearing:
            self.problems.append(f"torque is on at motors that hear: {', '.join(hearing)}")

    def _judge_latch(self, ended: str, ticked_ns: int) -> None:
        """A fault that the runtime must see ends the run in time."""
        if ended not in ("RUNNING", "DAMPING", "READY"):
            return
        if self._truth.torque_ns is None:
            return
        # Until the end was asked for, by a request or by the duration: torque off may take long where nobody answers.
        end_s, began_s = self._world.elapsed_s(ticked_ns), self._world.elapsed_s(self._truth.torque_ns)
        for strike in self._scenario.strikes:
            latch_s = strike.case.latch_s(self._scenario.robot)
            if latch_s is None:
                continue
            last_s = end_s if strike.duration_s is None else min(end_s, strike.at_s + strike.duration_s)
            lasted_s = last_s - max(strike.at_s, began_s)
            if not lasted_s <= latch_s + _SLACK_S:
                self.problems.append(f"{ended} although {strike.case.name} lasted {lasted_s:.2f} s of {latch_s:.2f} s")

    def _judge_off_time(self) -> None:
        """After a latched fault, and after the request to stop, the motors that hear lose torque soon."""
        robot = self._scenario.robot
        reacts = any(reaction != "off" for reaction in robot.safety.on_fault.values())
        lowers = robot.rest.timeout if robot.rest is not None else 0.0
        off_s = _SUPERVISED_S if any(strike.case.blocks for strike in self._scenario.strikes) else _OFF_S
        for word, extra_s in (
            (LATCHED_FAULT, robot.safety.fault_time if reacts else 0.0),
            (STOP_REQUEST, lowers),
        ):
            quiet_ns = self._quiet.get(word)
            if quiet_ns is None:
                continue  # never asked for, or said already
            late_s = (quiet_ns - self._awaited[word]) / NS_PER_S
            if not late_s <= off_s + extra_s:
                self.problems.append(f"late torque off: {late_s:.3f} s after the {word}")

    def see(self, time_ns: int) -> None:
        """Note when the motors that hear are no longer driven, after a fault or the request to stop."""
        for word, since_ns in self._awaited.items():
            if word not in self._quiet:
                deaf = self._deaf(self._world.elapsed_s(since_ns))
                if not set(self._oracle.driven()) - deaf:
                    self._quiet[word] = time_ns

    def _deaf(self, at_s: float | None) -> set[str]:
        """Return the joints whose motors may not hear the runtime: at a time, and from then on, or at all."""
        robot, deaf = self._scenario.robot, set()
        for strike in self._scenario.strikes:
            if not strike.case.mute or (at_s is not None and strike.duration_s is not None and _end(strike) < at_s):
                continue
            bus = strike.entry.get("bus")
            for name, joint in robot.joints.items():
                if (strike.joint in (None, name)) and bus in (None, joint.bus):
                    deaf.add(name)
        return deaf

    def safe_s(self) -> float | None:
        """Return the time from the first fault until the motors that hear were no longer driven."""
        first_s = min(strike.at_s for strike in self._scenario.strikes)
        quiet_ns = self._quiet.get(LATCHED_FAULT)
        return None if quiet_ns is None else max(0.0, self._world.elapsed_s(quiet_ns) - first_s)


def _end(strike: Strike) -> float:
    return strike.at_s + (strike.duration_s or 0.0)
