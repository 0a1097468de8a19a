"""Laws of the `emulate` command: one line of JSON when it is ready, exit status 0 on a signal."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import serial

from sim2real.hardware.dynamixel.frame import Decoder, Instruction, encode

COMMAND = [sys.executable, "-m", "sim2real.cli", "emulate"]


@pytest.mark.realtime
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_serves_until_a_signal(number):
    with subprocess.Popen(
        [*COMMAND, "pendulum", "--json", "--plant", "inertia"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            document = json.loads(process.stdout.readline())
            path = document["ports"][0]["path"]
            assert document == {
                "robot": "pendulum",
                "ports": [
                    {
                        "name": "main",
                        "kind": "bus",
                        "protocol": "dynamixel2",
                        "path": path,
                        "baudrate": 1_000_000,
                        "ids": [1],
                    }
                ],
            }
            with serial.Serial(path, 1_000_000, timeout=2.0) as port:
                port.write(encode(1, Instruction.PING))
                assert len(Decoder().feed(port.read(14))) == 1
            process.send_signal(number)
            rest, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert rest == ""
    assert "plant: inertia" in errors
    assert not Path(path).exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nothing"], "nothing"),
        (["pendulum", "--plant", "clay"], "clay"),
        (["pendulum", "--faults", "nothing"], "nothing"),
        (["pendulum", "--speed", "slow"], "slow"),
    ],
)
def test_user_errors_are_one_clear_line(arguments, named):
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True)
    assert done.returncode != 0
    assert named in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "a robot, or motors alone"),
        (["pendulum", "--motor", "sts3215_7v4"], "a robot, or motors alone"),
        (["--motor", "sts3215_7v4", "--ids", "1-x"], "1-6 or 1,3,7"),
        (["--motor", "sts3215_7v4", "--baudrate", "5"], "no such baud rate"),
        (["--motor", "sts3215_7v4", "--ids", "300"], "0 to 253"),
    ],
)
def test_motors_alone_that_cannot_be_are_one_line(arguments, named):
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.realtime
def test_motors_alone_are_served_behind_a_lasting_link(tmp_path):
    link = tmp_path / "arm"
    arguments = ["--motor", "xl330_m288", "--ids", "1-3,7", "--baudrate", "57600", "--link", str(link), "--json"]
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            (port,) = json.loads(process.stdout.readline())["ports"]
            assert (port["ids"], port["baudrate"]) == ([1, 2, 3, 7], 57_600)
            with serial.Serial(str(link), 57_600, timeout=2.0) as opened:
                opened.write(encode(7, Instruction.PING))
                assert len(Decoder().feed(opened.read(14))) == 1
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
        finally:
            process.kill()
    assert not link.is_symlink()
