"""Laws of worker processes: Ctrl-C is for the process that started them, and they end with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import os, time
from sim2real.hardware.worker_pool import interrupts_held, worker_pool

if __name__ == "__main__":
    try:
        with worker_pool(1) as pool:
            with interrupts_held():
                pid, work = pool.submit(os.getpid), pool.submit(time.sleep, WORK_S)
            print("submitted", flush=True)
            print(pid.result(), flush=True)
            work.result()
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"

    def start(work_s):
        path.write_text(PROGRAM.replace("WORK_S", str(work_s)))
        command = [sys.executable, "-P", str(path)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    return start


def test_workers_end_with_the_process_that_started_them(program):
    # They waited for ever for work that nobody would give them.
    process = program(60)
    assert process.stdout.readline() == "submitted\n"
    worker = int(process.stdout.readline())
    process.kill()
    process.communicate(timeout=20)  # the worker has the same standard output: this waits for its end
    assert not Path(f"/proc/{worker}").exists() or "zombie" in Path(f"/proc/{worker}/status").read_text()


def test_ctrl_c_while_workers_start_is_no_traceback(program):
    process = program(0)
    assert process.stdout.readline() == "submitted\n"
    time.sleep(0.05)  # the worker is importing
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert output.endswith("interrupted\n")
    assert errors == ""


def test_ctrl_c_ends_the_work_that_nobody_waits_for_any_more(program):
    # `hil` went on for minutes: until the running scenarios and those queued behind them had ended.
    process = program(600)
    assert process.stdout.readline() == "submitted\n"
    worker = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGINT)
    told, errors = process.communicate(timeout=60)
    assert told == "interrupted\n"
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert not Path(f"/proc/{worker}").exists()
