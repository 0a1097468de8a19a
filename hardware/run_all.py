"""Runs every action and collects the errors, so that one failure does not leave torque on at the other motors."""

from collections.abc import Callable, Iterable

from sim2real.hardware.errors import HardwareError


def run_all(actions: Iterable[Callable[[], None]]) -> list[str]:
    """Run every action; return the messages of those that raised HardwareError, in order.

    Any other exception (a bug, Ctrl-C) is raised after all actions have run; of several, the first.
    """
    reasons: list[str] = []
    others: list[BaseException] = []
    for action in actions:
        try:
            action()
        except HardwareError as error:
            reasons.append(str(error))
        except BaseException as error:  # noqa: BLE001 - raised below
            others.append(error)
    if others:
        raise others[0]
    return reasons
