"""Which motors have not confirmed that torque is off, and which of them is asked next."""

from collections.abc import Callable


class OffQueue:
    """The motors of a bus after torque off was sent, by index, in the order of being asked."""

    def __init__(self, motors: int) -> None:
        self._motors = motors
        self._unconfirmed: list[int] = []
        self._asked: set[int] = set()

    @property
    def unconfirmed(self) -> list[int]:
        """The motors that have not confirmed, in bus order."""
        return sorted(self._unconfirmed)

    def sent(self) -> None:
        """Begin again: torque off has just been sent to all motors."""
        self._unconfirmed = list(range(self._motors))
        self._asked.clear()

    def ask_next(self, is_off: Callable[[int], bool], send_again: Callable[[], None]) -> None:
        """Ask the motor whose turn it is; send torque off again before the second question to a motor.

        Args:
            is_off: Asks a motor once; returns whether it confirms.
            send_again: Sends torque off to all motors.

        Raises:
            PortLostError: The port vanished.
        """
        if not self._unconfirmed:
            return
        index = self._unconfirmed.pop(0)
        self._unconfirmed.append(index)  # also if asking raises
        if index in self._asked:
            self._asked.clear()
            send_again()
        self._asked.add(index)
        if is_off(index):
            self._unconfirmed.remove(index)
