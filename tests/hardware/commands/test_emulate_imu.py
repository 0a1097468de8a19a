"""Laws of `sim2real emulate` for a robot with an IMU: its own port, which any serial client can read."""

import json
import subprocess
import sys

import pytest
import serial

from sim2real.hardware.witmotion.frame import Decoder, FrameType

pytestmark = pytest.mark.realtime


def test_a_bare_serial_client_reads_an_emulated_imu():
    command = [sys.executable, "-m", "sim2real.cli", "emulate", "quadruped", "--json", "--plant", "inertia"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            ports = json.loads(process.stdout.readline())["ports"]
            (unit,) = [port for port in ports if port["kind"] == "imu"]
            path = unit.pop("path")
            assert unit == {"name": "trunk", "kind": "imu", "protocol": "witmotion", "baudrate": 230_400, "ids": []}
            assert {port["name"] for port in ports} == {"front", "rear", "trunk"}
            with serial.Serial(path, 230_400, timeout=2.0) as port:
                frames = Decoder().feed(port.read(88))
            assert [frame.type for frame in frames] == 2 * [
                FrameType.ACCELERATION,
                FrameType.ANGULAR_VELOCITY,
                FrameType.ANGLE,
                FrameType.MAGNETIC_FIELD,
            ]
            process.terminate()
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
