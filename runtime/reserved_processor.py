"""A processor kept for the loop: other threads and helper processes are moved to the other ones."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_ROUNDS_MAX = 3  # a process that is starting while it is looked for


class ReservedProcessor:
    """Keeps one processor for the calling thread.

    Children inherit the processors of the thread that starts them, so those of a pinned loop would sit on the loop's.

    Args:
        cpu: The processor.

    Raises:
        OSError: This process may not run there, or on no other one.
    """

    def __init__(self, cpu: int) -> None:
        self._cpu = cpu
        self._thread = threading.get_native_id()
        self._before = os.sched_getaffinity(0)
        self._others = self._before - {cpu}
        self._moved: dict[int, set[int]] = {}
        os.sched_setaffinity(0, {cpu})

    @property
    def problem(self) -> str:
        """Why helpers may still be on it; empty if nothing keeps them there."""
        if not self._others:
            return "it is the only one, and helper processes share it"
        if not _children_file(os.getpid(), self._thread).exists():
            return "this kernel does not list child processes (CONFIG_PROC_CHILDREN), so helpers may share it"
        return ""

    def clear(self) -> None:
        """Move what else this process and its descendants run off the processor. Call again after starting helpers."""
        if not self._others:
            return
        for _ in range(_ROUNDS_MAX):
            moved = sum(self._move(thread) for process in _family() for thread in _threads(process))
            if not moved:
                return

    def release(self) -> None:
        """Undo all of it; what has ended meanwhile is left out."""
        for thread, before in self._moved.items():
            _set(thread, before)
        self._moved.clear()
        _set(self._thread, self._before)

    def _move(self, thread: int) -> bool:
        """Move one thread; return whether it had to be moved."""
        if thread == self._thread:
            return False
        try:
            now = os.sched_getaffinity(thread)
        except OSError:
            return False
        if self._cpu not in now:
            return False
        # A child of the pinned loop has its one processor; its own, without the pin, were the loop's before.
        self._moved.setdefault(thread, self._before if now == {self._cpu} else now)
        return _set(thread, now - {self._cpu} or self._others)


def _set(thread: int, processors: set[int]) -> bool:
    try:
        os.sched_setaffinity(thread, processors)
    except OSError:
        return False  # it has ended, or is another user's by now
    return True


def _family() -> Iterator[int]:
    """Yield this process and all its descendants; a list of all processes would take milliseconds."""
    waiting = [os.getpid()]
    while waiting:
        process = waiting.pop()
        yield process
        for thread in _threads(process):
            try:
                waiting += map(int, _children_file(process, thread).read_text(encoding="ascii").split())
            except OSError:  # it has ended
                continue


def _children_file(process: int, thread: int) -> Path:
    return _PROC / str(process) / "task" / str(thread) / "children"


def _threads(process: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(_PROC / str(process) / "task")]
    except OSError:
        return []
