"""Runs every action of several and collects the errors, so that torque goes off on the other motors too."""

from collections.abc import Callable, Iterable

from sim2real.hardware.errors import HardwareError


def run_all(actions: Iterable[Callable[[], None]]) -> list[str]:
    """Run every action; return the message of each that raised HardwareError, in order.

    Whatever else one raises (a bug, Ctrl-C) is raised when all have run, the first of them.
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
