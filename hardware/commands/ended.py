"""A bench command that is ended in the middle: by Ctrl-C, by a signal, or by an error. It says what it has written."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from rich.markup import escape

from sim2real.configs.command_outcome import Outcome, refused_file
from sim2real.configs.errors import UserError
from sim2real.hardware.workbench.written import Written

INTERRUPTED: Final = "interrupted"


class SignalError(UserError):
    """A signal ended the block."""


@contextmanager
def signals_end_it() -> Iterator[None]:
    """End the block by a SignalError, which names the signal, on SIGTERM and SIGHUP; what it cleans up is cleaned up.

    Raises:
        SignalError: A signal came; later ones are ignored until the block is left.
    """

    def end(number: int, frame: FrameType | None) -> None:
        for taken in before:
            signal.signal(taken, signal.SIG_IGN)  # one is enough: it is being left
        raise SignalError(f"ended by {signal.Signals(number).name}")

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


def tell_what_is_written(run: Callable[[Written], Outcome], otherwise: str = "") -> Outcome:
    """Return the outcome of what writes to motors for good; if it is ended, also what is written by then.

    Args:
        run: Does it; gets what takes note of each write.
        otherwise: What else there is to say of what is left behind.

    Raises:
        UserError: An error ended it before anything was written.
    """
    written = Written()
    try:
        with signals_end_it():
            return run(written)
    except KeyboardInterrupt:
        return _ended(INTERRUPTED, written, otherwise, cut_short=True)
    except SignalError as error:
        return _ended(str(error), written, otherwise)
    except (UserError, OSError) as error:
        if not written.lines:
            raise
        return _ended(refused_file(error) if isinstance(error, OSError) else str(error), written, otherwise)


def _ended(why: str, written: Written, otherwise: str, *, cut_short: bool = False) -> Outcome:
    done = len(written.lines) - written.unconfirmed
    what = [
        f"{done} settings of motors were written before" if done != 1 else "1 setting of a motor was written before"
    ]
    if written.unconfirmed:
        what += [f"{written.unconfirmed} more may have been, not confirmed"]
    if written.lines:
        what += ["the same command goes on from there"]
    else:
        what = ["nothing was written to the motors"]
    reason = "; ".join((why, *what, *([otherwise] if otherwise else [])))
    text = "\n".join(map(escape, written.lines))
    return Outcome({"written": written.lines}, text, ok=False, reasons=(reason,), cut_short=cut_short)
