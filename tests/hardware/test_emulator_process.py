"""Laws of `emulate`: ports for the duration of a block, and a process that always ends."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import serial

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_faults, load_robot
from sim2real.hardware.dynamixel.frame import Decoder, Instruction, encode
from sim2real.hardware.emulator import serve as module
from sim2real.hardware.emulator.process import EmulatorProcess, emulate
from sim2real.hardware.emulator.pty import PtyServer

pytestmark = pytest.mark.realtime  # the machine may not give the emulator a processor


def is_running(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def ended(pid: int) -> bool:
    for _ in range(500):
        if not is_running(pid):
            return True
        time.sleep(0.02)
    return False


def answers(path: str) -> bool:
    with serial.Serial(path, 1_000_000, timeout=2.0) as port:
        port.write(encode(1, Instruction.PING))
        return len(Decoder().feed(port.read(14))) == 1


def test_motors_answer_in_the_block_and_everything_is_gone_after_it():
    with emulate("pendulum", plant="inertia") as emulated:
        assert emulated.ports.keys() == {"main"}
        assert emulated.plant == "inertia"
        assert answers(emulated.ports["main"])
    assert not is_running(emulated.pid)
    assert not Path(emulated.ports["main"]).exists()


def test_overrides_and_loaded_faults_reach_the_process():
    robot = load_robot("pendulum", overrides=("joints.pivot.id=7",))
    with (
        emulate(robot, plant="inertia", faults=load_faults("lossy_bus")) as emulated,
        serial.Serial(emulated.ports["main"], 1_000_000, timeout=2.0) as port,
    ):
        port.write(encode(7, Instruction.PING))
        assert Decoder().feed(port.read(14))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_the_process_ends_however_the_block_ends(error):
    def work(pids: list[int]) -> None:
        with emulate("pendulum", plant="inertia") as emulated:
            pids.append(emulated.pid)
            raise error

    pids: list[int] = []
    with pytest.raises(error):
        work(pids)
    assert not is_running(pids[0])


def test_the_process_ends_with_its_parent():
    program = (
        "import json, sim2real, time\n"
        "with sim2real.emulate('pendulum', plant='inertia') as emulated:\n"
        "    print(json.dumps([emulated.pid, emulated.ports['main']]), flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        pid, path = json.loads(parent.stdout.readline())
        assert is_running(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert ended(pid)
        assert not Path(path).exists()


def test_it_outlives_the_thread_that_started_it():
    # It ended with that thread: a pool's, or one of asyncio.to_thread.
    with ExitStack() as stack:
        started: list[EmulatorProcess] = []
        thread = threading.Thread(
            target=lambda: started.append(stack.enter_context(emulate("pendulum", plant="inertia")))
        )
        thread.start()
        thread.join()
        time.sleep(0.2)
        assert answers(started[0].ports["main"])
    assert not is_running(started[0].pid)


def test_a_plant_may_print(tmp_path):
    # Its words were taken for the ports: "the emulator did not start: it said nothing".
    (tmp_path / "loud-1.dist-info").mkdir()
    (tmp_path / "loud-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1\n")
    (tmp_path / "loud-1.dist-info" / "entry_points.txt").write_text("[sim2real.plants]\nloud = loud:Loud\n")
    (tmp_path / "loud.py").write_text(
        "import os\n"
        "from sim2real.hardware.emulator.plant import InertiaPlant\n"
        "class Loud(InertiaPlant):\n"
        "    def __init__(self, robot):\n"
        "        print('hello', flush=True)\n"
        "        os.system('echo hello from outside Python')\n"
        "        super().__init__(robot)\n"
    )
    program = "import sim2real\nwith sim2real.emulate('pendulum', plant='loud') as e: print(sorted(e.ports))"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert said.stdout == "['main']\n"


def test_that_it_broke_down_is_a_warning():
    # A run told of a lost port, and nobody that the emulator had ended.
    with emulate("pendulum", plant="inertia") as emulated:
        assert not any("broke down" in warning for warning in emulated.warnings())
        os.kill(emulated.pid, signal.SIGKILL)
        os.waitid(os.P_PID, emulated.pid, os.WEXITED | os.WNOWAIT)  # its last thread, too
        # A busy machine may have given it no processor before, of which it has warned: that is not why.
        assert emulated.warnings()[-1] == "emulator: it broke down: no error message"


@pytest.mark.realtime
def test_a_warning_is_not_why_it_broke_down():
    with emulate("pendulum", plant="inertia") as emulated:
        os.kill(emulated.pid, signal.SIGSTOP)
        time.sleep(0.05)
        os.kill(emulated.pid, signal.SIGCONT)
        assert "starved" in emulated.starved()
        time.sleep(0.2)  # it writes its warnings down
        os.kill(emulated.pid, signal.SIGKILL)
        os.waitid(os.P_PID, emulated.pid, os.WEXITED | os.WNOWAIT)
        warnings = emulated.warnings()
    assert "starved" in warnings[0]
    assert warnings[-1] == "emulator: it broke down: no error message"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"robot": "pendulm"}, "did you mean 'pendulum'"),
        ({"robot": "pendulum", "plant": "jelly"}, "no plant named 'jelly'"),
        ({"robot": "pendulum", "faults": "nothing"}, "no faults entry named 'nothing'"),
    ],
)
def test_invalid_arguments_are_one_line_and_start_nothing(arguments, line):
    with pytest.raises(UserError) as refused, emulate(**arguments):
        pytest.fail("it started")
    assert line in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_errors_of_the_process_are_one_line_too():
    robot = load_robot("pendulum").model_copy(update={"model": "nowhere.xml"})
    started = r"^the emulator did not start: .*nowhere\.xml"
    with pytest.raises(UserError, match=started) as refused, emulate(robot, plant="mujoco"):
        pytest.fail("it started")
    assert len(str(refused.value).splitlines()) == 1


def test_ports_are_announced_when_they_are_served(monkeypatch):
    """They were announced earlier: a client whose first request came during start-up timed out."""
    order: list[str] = []

    def serve_for_no_time(self: PtyServer, stop: object, started=lambda: None) -> None:
        order.append("ready")
        started()

    monkeypatch.setattr(PtyServer, "serve", serve_for_no_time)
    module.serve(
        load_robot("pendulum"), "inertia", None, None, lambda document: order.append(document["robot"]), order.append
    )
    assert order == ["ready", "pendulum"]


def test_a_process_whose_parent_ended_before_it_started_exits():
    robot = load_robot("pendulum")
    command = [sys.executable, "-m", "sim2real.hardware.emulator.process_main", "inertia", "1", "0", "", robot.name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout == ""


def test_its_priority_is_below_the_loop_s_and_only_where_it_is_asked_for():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        permitted = True
    except PermissionError:
        permitted = False
    for asked in (True, False):
        with emulate("pendulum", plant="inertia", real_time=asked) as emulated:
            policy = os.sched_getscheduler(emulated.pid) & ~os.SCHED_RESET_ON_FORK
            assert policy == (os.SCHED_FIFO if asked and permitted else os.SCHED_OTHER)
            assert os.sched_getparam(emulated.pid).sched_priority in ((30,) if asked and permitted else (0,))
            assert answers(emulated.ports["main"])


def test_without_room_for_temporary_files_it_says_so(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(UserError, match="temporary files, see TMPDIR: No such file"), emulate("pendulum"):
        pass
