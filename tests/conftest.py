"""What holds for all tests: the same examples each time, one thread a library, real time only where it is marked."""

import os
import signal
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

# Before anything imports numpy or torch. Several workers share the machine, and what tests compute is small.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

# How long an example takes says nothing on a busy machine, and a failure must come again: examples are those of the
# law's own text. `pytest --hypothesis-profile=explore` tries others each time.
settings.register_profile("seeded", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("seeded")

# Before anything imports it: the suites that packages from outside subclass.
pytest.register_assert_rewrite("sim2real.hardware.conformance")

# A suite under nohup, or in the background of a script, is started with signals that are ignored. Programs keep that;
# tests are about programs that somebody can end.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

REALTIME = "realtime"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the files without real time where nothing else is asked for.

    Importing them takes longer than the tests, and an emulated port answers late in a process as large as they make it.
    """
    if config.option.markexpr != REALTIME or collection_path.suffix != ".py":
        return None
    return True if f"mark.{REALTIME}" not in collection_path.read_text(encoding="utf-8") else None


@pytest.fixture(autouse=True)
def _real_time_is_marked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse ports at the pace of their baud rate, and sleeping until a deadline, to a test without the marker."""
    if request.node.get_closest_marker(REALTIME) is not None:
        return
    for name in ("emulator.pty.PtyServer.serve", "clock.MonotonicClock.sleep_until_ns"):
        monkeypatch.setattr(f"sim2real.hardware.{name}", _refuse)


def _refuse(*_: object) -> NoReturn:
    pytest.fail("a test that needs real time is marked: @pytest.mark.realtime")
