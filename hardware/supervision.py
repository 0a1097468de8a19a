"""The supervisor that watches this process for one robot: started, fed, asked and ended."""

from collections.abc import Sequence

from sim2real.hardware.supervisor.supervisor import Plan, Supervisor, Watched, start_supervisor
from sim2real.hardware.types import Supervision


class Supervised:
    """At most one supervisor at a time; every call is allowed without one."""

    def __init__(self, limit_ns: int) -> None:
        """Start none yet. It will act if it is not fed for `limit_ns`."""
        self._limit_ns = limit_ns
        self._supervisor: Supervisor | None = None

    @property
    def state(self) -> Supervision:
        """Whether the supervisor watches this process; some memory loads."""
        supervisor = self._supervisor
        if supervisor is None:
            return Supervision.NONE
        if supervisor.tripped:
            return Supervision.TRIPPED
        return Supervision.WATCHING if supervisor.alive else Supervision.LOST

    @property
    def tripped(self) -> bool:
        """Whether it has stopped the motors."""
        return self._supervisor is not None and self._supervisor.tripped

    def begin(self, ports: Sequence[Watched]) -> None:
        """Start one that watches this process from now on. Raises HardwareError."""
        self.end()
        self._supervisor = start_supervisor(ports, self._limit_ns)

    def feed(self) -> None:
        """Show that this process is alive."""
        if self._supervisor is not None:
            self._supervisor.feed()

    def plan(self, plan: Plan) -> None:
        """Set what it sends when it acts."""
        if self._supervisor is not None:
            self._supervisor.plan(plan)

    def end(self) -> None:
        """End it without an act."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None
