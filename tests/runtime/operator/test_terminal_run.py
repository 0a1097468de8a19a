"""Laws of `sim2real run` on a terminal: the terminal cannot hold up the robot, and is left as it was.

What is asserted of the robot is the emulated motor's own state.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from served import serving
from terminal import Terminal

from sim2real.configs.load import load_robot
from sim2real.runtime.contract.model_file import with_digest

pytestmark = [pytest.mark.realtime, pytest.mark.slow]

CTRL_C, CTRL_BACKSLASH, CTRL_Z, CTRL_S, CTRL_Q = "\x03", "\x1c", "\x1a", "\x13", "\x11"
KEYBOARD = ("--operator", "keyboard")
VIEW, OPERATOR = "view_main", "process_main"


def wait_for(condition, what, seconds=30.0):
    """Wait; the bound is for a test that hangs, not a measure of speed."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def command(model, server, *arguments):
    run = [sys.executable, "-m", "sim2real.cli", "run", str(model), "--robot", "pendulum", "--no-real-time"]
    return [*run, "--port", f"main={server.ports['main']}", *map(str, arguments)]


class Run:
    """A run of the emulated pendulum on a terminal."""

    def __init__(self, server, terminal):
        self.server, self.terminal = server, terminal

    @property
    def pid(self):
        return self.terminal.pid

    @property
    def driven(self):
        return self.server.emulated.motors["pivot"].driven

    def wait_for_torque(self, *, on=True):
        wait_for(lambda: (self.terminal.read(0.01), self.driven == on)[1], self.terminal.seen[-2000:])

    def children(self):
        """Process ids by the module that they run."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                words = (path / "cmdline").read_text().split("\0")
            except (OSError, ValueError):
                continue
            if parent == self.pid:
                found |= {word.rpartition(".")[2]: int(path.name) for word in words if word.startswith("sim2real.")}
        return found

    def restored(self):
        return self.terminal.settings_now() == self.terminal.settings


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def suspended(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.fixture
def on_terminal(model_of):
    with serving(load_robot("pendulum")) as server:
        terminals = []

        def start(*arguments, **options):
            terminals.append(Terminal(*command(model_of(), server, *arguments), **options))
            return Run(server, terminals[-1])

        yield start
        for terminal in terminals:
            terminal.close()


def test_with_a_keyboard_nothing_moves_before_enter_and_typing_ahead_is_no_start(on_terminal):
    run = on_terminal(*KEYBOARD)
    run.terminal.type("\n\n")
    run.terminal.wait_for("waits for start")
    run.terminal.read(1.0)
    assert not run.driven
    run.terminal.type("\n")
    run.wait_for_torque()
    run.terminal.wait_for("RUNNING")
    run.terminal.type("x")
    assert run.terminal.end() == 0
    assert not run.driven
    assert run.restored()
    assert "by operator after" in run.terminal.seen


@pytest.mark.parametrize(
    ("key", "said", "status"),
    [("x", "by operator", 0), (" ", "ESTOP", 1), (CTRL_C, "SIGINT", 0), (CTRL_BACKSLASH, "SIGQUIT", 1)],
)
def test_every_key_that_ends_a_run_takes_torque_off_and_restores_the_terminal(on_terminal, key, said, status):
    run = on_terminal(*KEYBOARD, "--start")
    run.wait_for_torque()
    run.terminal.wait_for("RUNNING")
    assert not run.restored()  # keys come one by one
    run.terminal.type(key)
    run.wait_for_torque(on=False)
    run.terminal.read(0.5)
    if run.terminal.status is None:  # after an emergency stop it waits for a reset, or for its end
        run.terminal.type("x")
    assert run.terminal.end() == status
    assert said in run.terminal.seen
    assert run.restored()
    assert "Traceback" not in run.terminal.seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP])
def test_every_signal_that_ends_a_run_restores_the_terminal(on_terminal, number):
    run = on_terminal(*KEYBOARD, "--start")
    run.wait_for_torque()
    os.kill(run.pid, number)
    assert run.terminal.end() == 0
    assert not run.driven
    assert run.restored()


def test_ctrl_z_suspends_no_robot(on_terminal):
    run = on_terminal(*KEYBOARD, "--start")
    run.wait_for_torque()
    run.terminal.type(CTRL_Z)
    run.terminal.read(0.5)
    assert not suspended(run.pid)
    assert run.driven
    run.terminal.type("x")
    assert run.terminal.end() == 0


def test_ctrl_z_without_a_keyboard_ends_the_run_in_order(on_terminal):
    run = on_terminal()
    run.wait_for_torque()
    run.terminal.type(CTRL_Z)
    assert run.terminal.end() == 0
    assert "by SIGTSTP" in run.terminal.seen
    assert not run.driven


def test_when_the_loop_is_killed_nothing_of_it_stays_and_the_terminal_is_restored(on_terminal, tmp_path):
    run = on_terminal(*KEYBOARD, "--start", "--operator", f"socket:{tmp_path / 'robot'}")
    run.wait_for_torque()
    children = run.children()
    assert {VIEW, OPERATOR} <= set(children)
    os.kill(run.pid, signal.SIGKILL)
    run.terminal.end()
    for pid in children.values():
        wait_for(lambda pid=pid: (run.terminal.read(0.01), gone(pid))[1], children)
    assert run.restored()
    assert not (tmp_path / "robot").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("child", [VIEW, OPERATOR])
def test_what_becomes_of_a_process_beside_it_changes_nothing_for_the_robot(on_terminal, child, number):
    run = on_terminal(*KEYBOARD, "--start")
    run.wait_for_torque()
    run.terminal.wait_for("RUNNING")
    os.kill(run.children()[child], number)
    run.terminal.read(1.0)
    assert run.driven
    assert not run.server.emulated.motors["pivot"].watchdog_tripped
    run.terminal.type(CTRL_C)
    assert run.terminal.end() == 0
    assert not run.driven
    assert run.restored()
    assert ("operator process ended" in run.terminal.seen) == (child == OPERATOR and number == signal.SIGKILL)


def test_a_stopped_terminal_holds_up_neither_the_robot_nor_its_emergency_stop(on_terminal):
    run = on_terminal()
    run.wait_for_torque()
    run.terminal.wait_for("RUNNING")
    run.terminal.type(CTRL_S)
    time.sleep(2.0)  # many times the motor's watchdog; nothing is read, so the view is stuck
    assert run.driven
    assert not run.server.emulated.motors["pivot"].watchdog_tripped
    run.terminal.type(CTRL_BACKSLASH)
    wait_for(lambda: not run.driven, "torque stays on")
    run.terminal.type(CTRL_Q)
    assert run.terminal.end() == 1
    assert "emergency stop by SIGQUIT" in run.terminal.seen
    assert run.restored()


def test_during_a_run_the_loop_has_no_terminal_to_write_to(on_terminal):
    run = on_terminal(*KEYBOARD, "--start")
    run.wait_for_torque()
    for descriptor in (1, 2):
        assert "memfd:sim2real-output" in os.readlink(f"/proc/{run.pid}/fd/{descriptor}")
    run.terminal.type("x")
    assert run.terminal.end() == 0


def test_the_view_shows_the_run_and_leaves_only_its_result(on_terminal):
    run = on_terminal("--duration", "1.5", columns=120, lines=30, environment={"NO_COLOR": "1"})
    assert run.terminal.end() == 0
    assert "pivot" in run.terminal.seen
    assert "of 100 Hz" in run.terminal.seen
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|4[0-7])m", run.terminal.seen)
    assert run.terminal.seen.count("\x1b[?25h") >= run.terminal.seen.count("\x1b[?25l")
    assert re.search(r"ok(, with \d+ warnings?\S*)?: pendulum", run.terminal.seen)


def test_without_a_terminal_there_is_no_view_and_no_process_for_it(model_of):
    model = model_of()
    model.write_bytes(with_digest(model.read_bytes()))
    with serving(load_robot("pendulum")) as server:
        process = subprocess.Popen(command(model, server), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            wait_for(lambda: server.emulated.motors["pivot"].driven, "no torque")
            assert VIEW not in " ".join(
                path.read_text() for path in Path(f"/proc/{process.pid}/task/{process.pid}").glob("children")
            )
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
        assert process.returncode == 0
        assert b"\x1b" not in out + err
        assert all(line.startswith(b"notice: ") for line in err.splitlines()), err


def test_a_reader_who_does_not_take_the_result_keeps_no_torque_on(model_of):
    read, write = os.pipe()
    os.set_blocking(write, False)
    while True:
        try:
            os.write(write, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(write, True)
    with serving(load_robot("pendulum")) as server:
        # Notices go to standard error before torque: who does not take those gets none.
        asked = command(model_of(), server, "--duration", "1", "--json")
        process = subprocess.Popen(asked, stdout=write, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: server.emulated.motors["pivot"].driven, "no torque")
            wait_for(lambda: not server.emulated.motors["pivot"].driven, "torque stays on")
            assert process.poll() is None  # stuck with its result, which is nobody's danger
        finally:
            process.kill()
            process.wait()
            os.close(read)
            os.close(write)


def test_a_keyboard_needs_a_terminal_and_says_so_before_torque(model_of):
    with serving(load_robot("pendulum")) as server:
        done = subprocess.run(
            command(model_of(), server, *KEYBOARD),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            timeout=60,
        )
        assert done.returncode == 1
        assert done.stderr.strip() == "error: --operator keyboard: needs a terminal"
        assert not server.emulated.motors["pivot"].torque_enabled
