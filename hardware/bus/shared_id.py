"""Two motors with one id: told apart from none and from one, before anything permanent is written."""

from typing import Final, Protocol, runtime_checkable

from sim2real.hardware.errors import HardwareError

GARBLED_TRIES: Final = 3
"""Tries in a row with damaged bytes and no reply, after which two motors are more likely than noise."""


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


def shared_id(motor: int) -> str:
    """Return the message for an id with several motors."""
    return f"two motors share id {motor}: what they answer is damaged; connect one at a time"


def prove_alone(bus: object, motor: int) -> None:
    """Raise HardwareError if several motors answer to an id; families that cannot tell are believed."""
    if isinstance(bus, Proving) and not bus.alone(motor):
        raise HardwareError(shared_id(motor))
