"""Notices that the emulator was not given a processor in time: replies are late then, and no motor is to blame."""

from dataclasses import dataclass
from typing import ClassVar

STARVED_NS = 4_000_000
"""A delay from which on it counts. A driver waits 6 ms longer than a reply takes on the wire."""

_NS_PER_MS = 1_000_000


@dataclass(slots=True)
class Starvation:
    """Delays of one thread, apart from the time it worked itself. Pure: times are arguments, in ns.

    A thread looks at what it has to do, works, sleeps until a due time, and looks again. What passes from the due time
    to the next look, and was not spent computing, the machine gave to others.
    """

    KIND: ClassVar[str] = "starved"
    """First word of `words`."""
    count: int = 0
    """Delays of at least `STARVED_NS`."""
    longest_ns: int = 0
    total_ns: int = 0
    last_ns: int = 0
    """When the last one ended."""
    _due_ns: int = -1
    _cpu_ns: int = 0

    def begin(self, now_ns: int, cpu_ns: int) -> None:
        """Start: what was before does not count."""
        self._due_ns, self._cpu_ns = now_ns, cpu_ns

    def sleep_until(self, due_ns: int) -> None:
        """Note when the next look is due; without a sleep it is due at once."""
        self._due_ns = due_ns

    def look(self, now_ns: int, cpu_ns: int) -> bool:
        """Note a look, and the thread's processor time so far; return whether it came too late."""
        delay_ns = now_ns - self._due_ns - (cpu_ns - self._cpu_ns)
        self._due_ns, self._cpu_ns = now_ns, cpu_ns
        if delay_ns < STARVED_NS:
            return False
        self.count += 1
        self.longest_ns = max(self.longest_ns, delay_ns)
        self.total_ns += delay_ns
        self.last_ns = now_ns
        return True

    def words(self) -> str:
        """Return it in words."""
        times = "once" if self.count == 1 else f"{self.count} times"
        longest, total = self.longest_ns / _NS_PER_MS, self.total_ns / _NS_PER_MS
        return (
            f"{self.KIND}: the machine gave it no processor {times} for {STARVED_NS // _NS_PER_MS} ms or longer, "
            f"at most {longest:.0f} ms, {total:.0f} ms in all; replies were that late"
        )
