"""Two motors with one id: told apart from none and from one, before anything permanent is written."""

from collections.abc import Callable, Iterable
from typing import Final, Protocol, runtime_checkable

from sim2real.hardware.errors import HardwareError

GARBLED_TRIES: Final = 3
"""Tries in a row with damaged bytes and no reply, after which two motors are more likely than noise."""


_PROOFS: Final = 2
_PROOFS_MAX: Final = 12
"""On a line that loses every third reply, one motor alone fails once in 20 000 times."""


class Line(Protocol):
    """A client that notices damaged bytes."""

    garbled: int
    """Tries of the last request that were answered by damaged bytes alone."""


@runtime_checkable
class Sharing(Protocol):
    """A workbench whose scan notices ids with several motors."""

    shared: list[int]
    """Ids that several motors share, at the baud rate of the last scan."""


@runtime_checkable
class Proving(Protocol):
    """Access to motors that can tell one motor from several that share its id."""

    def alone(self, motor: int) -> bool:
        """Return whether one motor alone answers to an id; what differs between units is read repeatedly."""
        ...


@runtime_checkable
class Listening(Protocol):
    """Access to motors that can tell an id that nothing answers to any more."""

    def silent(self, motor: int) -> bool:
        """Return whether nothing answers to an id, not even damaged. Raises PortLostError."""
        ...


def shared_id(motor: int) -> str:
    """Return the message for an id with several motors."""
    return f"two motors share id {motor}: what they answer is damaged; connect one at a time"


def prove_alone(bus: object, motor: int) -> None:
    """Raise HardwareError unless one motor alone answers to an id; families that cannot tell are believed."""
    if isinstance(bus, Proving) and not bus.alone(motor):
        if isinstance(bus, Listening) and bus.silent(motor):
            raise HardwareError(f"motor {motor} does not answer any more: check its cable and power")
        raise HardwareError(shared_id(motor))


def sharing(client: Proving, motors: Iterable[int]) -> list[int]:
    """Return the ids to which several motors answer, of those that have just answered; not one that is gone."""
    doubtful = [motor for motor in motors if not client.alone(motor)]
    return [motor for motor in doubtful if not (isinstance(client, Listening) and client.silent(motor))]


def answers_alone(intact: Callable[[int], bool]) -> bool:
    """Return whether one motor alone answers: twice without damage, where several at once never do.

    Args:
        intact: Asks once for what differs between two motors; tells whether the answer was whole. Gets the number of
            the question, from 0.
    """
    found = 0
    for number in range(_PROOFS_MAX):
        found += intact(number)
        if found == _PROOFS:
            return True
    return False


def several_answered(line: Line, ask_nobody: Callable[[], object]) -> bool:
    """Return whether the damaged bytes after the last request come from several motors with the id that was asked.

    Args:
        line: The client.
        ask_nobody: Asks `GARBLED_TRIES` times for an id that no motor has: noise, and a device of another protocol,
            answer that too.
    """
    if line.garbled < GARBLED_TRIES:
        return False
    ask_nobody()
    return not line.garbled


def ids_of_several(line: Line, ask: Callable[[int, int], object], nobody: int, ids: Iterable[int]) -> list[int]:
    """Return the ids of which only damaged answers arrive, after damage in the answer to all.

    Args:
        line: The client.
        ask: Asks for an id, so many times; None if there was no whole answer.
        nobody: An id that no motor has.
        ids: Those to ask.
    """
    ask(nobody, GARBLED_TRIES)
    if line.garbled:
        return []  # noise, or a device of another protocol
    return [motor for motor in ids if ask(motor, GARBLED_TRIES) is None and line.garbled >= GARBLED_TRIES]
