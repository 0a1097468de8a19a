"""What an operator asks for after a fault: reset it, and start again."""

from collections.abc import Callable

from sim2real.hardware.errors import CancelledError, HardwareError
from sim2real.runtime.controller import Controller
from sim2real.runtime.loop import Pacer
from sim2real.runtime.operator.requests import OperatorRequests
from sim2real.runtime.states import LATCHED, Event, State
from sim2real.runtime.stop import StopRequest


class Restart:
    """Obeys an operator between two ticks.

    Args:
        controller: Has the state machine.
        requests: What was asked for.
        stop: An emergency stop that was asked for is over with a reset.
        pacer: Does not count the time that it takes as missed.
        log: Logs what was read and done between two ticks.
        warn: Tells a person.
    """

    def __init__(
        self,
        controller: Controller,
        requests: OperatorRequests,
        stop: StopRequest,
        pacer: Pacer,
        log: Callable[[], None],
        warn: Callable[[str], None],
    ) -> None:
        self._controller, self._requests, self._stop, self._pacer = controller, requests, stop, pacer
        self._log, self._warn = log, warn

    def obey(self, asked_in: State) -> None:
        """Reset a fault or start again, if the operator has asked for it since the tick before, in this very state."""
        state, requests = self._controller.state, self._requests
        if state is asked_in:
            if requests.reset and state in LATCHED:
                self._reset()
            elif requests.start and state is State.LIMP:
                self._start()
        # What is asked for in another state, or while the motors are set up again, is not kept for later.
        requests.forget()

    def _reset(self) -> None:
        controller = self._controller
        cause = "; ".join(controller.faults.texts()) or "emergency stop"
        self._stop.reset()
        try:
            controller.fire(Event.RESET)
        except CancelledError:
            pass  # the next tick ends the run
        except HardwareError as error:
            self._warn(f"reset refused: {error}")
        else:
            self._warn(f"reset by the operator after: {cause}")
        self._log()
        self._pacer.start()  # it took its time, which the loop has not missed

    def _start(self) -> None:
        controller = self._controller
        try:
            controller.fire(Event.ENABLE)
        except CancelledError:
            pass  # the next tick ends the run
        except HardwareError as error:
            self._warn(f"start refused: {error}")
            controller.fail(error, "the driver, switching torque on,")
        self._log()
        self._pacer.start()
