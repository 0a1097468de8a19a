"""What the commands that switch torque on share: consent, and torque off at the end, also by a signal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from sim2real.configs.errors import UserError
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.interface import JointInterface


def ask_before_torque(question: str) -> None:
    """Ask a person; return if the answer is yes. Raises UserError."""
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort as error:
        raise UserError("nothing was moved: answer y, or give --yes") from error
    if not agreed:
        raise UserError("nothing was moved")


@contextmanager
def torque_session(hardware: JointInterface) -> Iterator[None]:
    """Open the motors for the block; at its end, however it ends, torque is off and confirmed.

    SIGTERM and SIGHUP end the block as Ctrl-C does, with a UserError that names the signal.

    Raises:
        HardwareError: A motor did not confirm that its torque is off; names it, and what ended the block.
    """
    with _signals_end_it():
        try:
            hardware.open()  # has sent torque off if it raises
            try:
                yield
            except BaseException as error:
                _disable(hardware, error)
                raise
            hardware.disable()
        finally:
            hardware.close()


def _disable(hardware: JointInterface, error: BaseException) -> None:
    try:
        hardware.disable()
    except HardwareError as left:
        raise HardwareError(f"{str(error) or 'interrupted'}; {left}") from error


@contextmanager
def _signals_end_it() -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        for taken in before:
            signal.signal(taken, signal.SIG_IGN)  # one is enough: torque is being switched off
        raise UserError(f"ended by {signal.Signals(number).name}; torque is off")

    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
