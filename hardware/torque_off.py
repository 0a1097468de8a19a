"""Torque off on several buses: sent on all of them first, then confirmed in turns, within a bounded time."""

from collections.abc import Sequence
from typing import Final

from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError, TorqueOnError
from sim2real.hardware.interface import Between, BusDriver, nothing
from sim2real.hardware.run_all import run_all

CONFIRM_LIMIT_S: Final = 0.5
"""Longest time in which motors are asked to confirm torque off, s. A dozen motors on one bus need a few milliseconds.
A silent one costs the time of one reply in each round."""

_ROUND_NS: Final = ns_from_s(0.005)
"""Shortest time of a round without success, ns: a lost port answers at once, and must not be asked in a busy loop."""


def send_off(buses: Sequence[BusDriver]) -> None:
    """Send torque off on every bus. Waits for nothing. An exception other than HardwareError is raised at the end."""
    run_all(bus.send_off for bus in buses)


def confirm_off(
    buses: Sequence[BusDriver], clock: Clock, limit_s: float = CONFIRM_LIMIT_S, between: Between = nothing
) -> tuple[str, ...]:
    """Ask the motors of all buses in turn until all have confirmed torque off, or the time is over.

    Each bus is asked once per round, so that one that does not answer costs the others one exchange per motor at most.

    Args:
        buses: The buses.
        clock: Their clock.
        limit_s: Longest time, s.
        between: Called before each question.

    Returns:
        The joints that did not confirm, bus by bus.
    """
    deadline_ns = clock.now_ns() + ns_from_s(limit_s)
    left = {index: bus.joint_names for index, bus in enumerate(buses)}
    errors: list[BaseException] = []
    while True:
        begun_ns, before = clock.now_ns(), dict(left)
        for index in [index for index, joints in left.items() if joints]:
            between()
            try:
                left[index] = buses[index].confirm_off()
            except HardwareError:
                continue  # not confirmed
            except BaseException as error:  # noqa: BLE001 - raised below, after the other buses
                errors.append(error)
                del left[index]
        if not any(left.values()) or clock.now_ns() >= deadline_ns:
            break
        if left == before:
            clock.sleep_until_ns(min(begun_ns + _ROUND_NS, deadline_ns))
    if errors:
        raise errors[0]
    return tuple(joint for joints in left.values() for joint in joints)


def switch_off(buses: Sequence[BusDriver], clock: Clock) -> None:
    """Send torque off on all buses, then have it confirmed.

    Raises:
        TorqueOnError: Names the joints whose motors did not confirm.
    """
    send_off(buses)
    joints = confirm_off(buses, clock)
    if joints:
        raise TorqueOnError(joints)
