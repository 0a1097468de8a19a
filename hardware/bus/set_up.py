"""Long steps of a driver, request by request: they can be ended between two, and then leave torque off."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from sim2real.hardware.interface import Between, nothing


class SteppedClient(Protocol):
    """Sends the requests of a step, and calls `between` before each."""

    between: Between


@contextmanager
def set_up(client: SteppedClient, between: Between, send_off: Callable[[], None]) -> Iterator[None]:
    """Call `between` before each request in the block; if anything raises, send torque off.

    Args:
        client: Sends the requests.
        between: What it raises ends the block.
        send_off: Sends torque off to all motors of the bus; never raises.
    """
    client.between = between
    try:
        yield
    except BaseException:
        send_off()
        raise
    finally:
        client.between = nothing
