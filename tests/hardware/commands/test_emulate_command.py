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
