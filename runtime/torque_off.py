"""Torque off, and whether the motors have confirmed it: what is not confirmed is no success."""

from typing import Final

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.families import when_silent
from sim2real.hardware.interface import JointInterface

CONFIRM_S: Final = 2.0
"""Longest time in which torque off is sent again until every motor has confirmed, s."""

_RETRY_NS: Final = ns_from_s(0.02)


class TorqueOff:
    """Switches torque off, and keeps what is not confirmed.

    Args:
        robot: Says what its motors do when nothing more is sent.
        hardware: Its motors.
        clock: The clock of the hardware.
    """

    def __init__(self, robot: RobotConfig, hardware: JointInterface, clock: Clock) -> None:
        self._robot, self._hardware, self._clock = robot, hardware, clock
        self._problem: str | None = None

    @property
    def confirmed(self) -> bool:
        """Whether the last attempt was confirmed by every motor; True before the first."""
        return self._problem is None

    @property
    def problem(self) -> str:
        """What is to be told: which motors did not confirm, and what they then do; empty when all have."""
        if self._problem is None:
            return ""
        return (
            f"torque off was not confirmed; cut the power: {self._problem}; {when_silent(self._robot)}; "
            "`sim2real motors torque-off` sends it to every motor of every port"
        )

    def cut(self) -> None:
        """Switch torque off on every motor that can be reached, once. Never raises."""
        try:
            self._hardware.disable()
        except BaseException as error:  # noqa: BLE001 - also a bug of a driver leaves torque on
            self._problem = str(error) or type(error).__name__
        else:
            self._problem = None

    def confirm(self) -> None:
        """Switch torque off, again and again until every motor has confirmed, for a bounded time. Never raises."""
        self.cut()
        try:
            deadline_ns = now_ns = self._clock.now_ns()
            deadline_ns += ns_from_s(CONFIRM_S)
            while not self.confirmed and now_ns < deadline_ns:
                self._clock.sleep_until_ns(now_ns + _RETRY_NS)
                self.cut()
                now_ns = self._clock.now_ns()
        except BaseException:  # noqa: BLE001 - of the clock; torque is what matters
            self.cut()
