"""What the commands that switch torque on share: consent, and torque off at the end, also by a signal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.commands.ended import SignalError, signals_end_it
from sim2real.hardware.errors import HardwareError, TorqueOnError
from sim2real.hardware.families import when_silent
from sim2real.hardware.interface import JointInterface

RETRY_S: Final = 5.0
"""Longest time in which motors that have not confirmed torque off are asked again, s: an adapter that was plugged in
again needs one or two until its port is back."""

_RETRY_NS: Final = ns_from_s(0.05)


def ask_before_torque(question: str) -> None:
    """Ask a person; return if the answer is yes. Raises UserError."""
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort as error:
        raise UserError("nothing was moved: answer y, or give --yes") from error
    if not agreed:
        raise UserError("nothing was moved")


@contextmanager
def torque_session(robot: RobotConfig, hardware: JointInterface, clock: Clock) -> Iterator[None]:
    """Open the motors for the block; at its end, however it ends, torque is off and confirmed.

    SIGTERM and SIGHUP end the block as Ctrl-C does, with a UserError that names the signal. A motor that does not
    confirm is asked again for `RETRY_S`: the adapter may be plugged in again.

    Args:
        robot: Says what its motors do when they hear nothing more.
        hardware: Its motors.
        clock: The clock of the hardware.

    Raises:
        HardwareError: A motor did not confirm that its torque is off; names it, what ended the block, what the motors
            do by themselves, and the cure.
    """
    with signals_end_it():
        opened = False
        try:
            hardware.open()
            opened = True
            yield
        except BaseException as error:
            left = isinstance(error, TorqueOnError)
            if not opened and isinstance(error, HardwareError) and not left:
                raise  # torque off was sent and confirmed
            first = error.__cause__ if left and error.__cause__ is not None else error
            _switch_off(robot, hardware, clock, str(first) or "interrupted", first)
            if left or isinstance(error, SignalError):
                raise (HardwareError if left else UserError)(f"{first}; torque is off") from error
            raise
        else:
            _switch_off(robot, hardware, clock)
        finally:
            hardware.close()


def _switch_off(
    robot: RobotConfig, hardware: JointInterface, clock: Clock, ending: str = "", error: BaseException | None = None
) -> None:
    """Switch torque off, again and again until every motor has confirmed, for a bounded time.

    Raises:
        HardwareError: Some have not.
    """
    deadline_ns = clock.now_ns() + ns_from_s(RETRY_S)
    while True:
        try:
            try:
                hardware.disable()
            except HardwareError as left:
                problem = left
            else:
                return
            if clock.now_ns() >= deadline_ns:
                raise HardwareError(
                    f"{ending}{'; ' if ending else ''}{problem}; {when_silent(robot)}. Cut the power; or plug the "
                    "adapter in again, and `sim2real motors torque-off` sends torque off to every motor of every port"
                ) from error
            clock.sleep_until_ns(clock.now_ns() + _RETRY_NS)
        except KeyboardInterrupt:
            deadline_ns = clock.now_ns()  # no more waiting: once more, then it is said
