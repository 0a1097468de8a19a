"""Laws of `sim2real support`: what helps is in the archive, and nothing in it says whose machine it was."""

import getpass
import json
import os
import socket
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sim2real
from sim2real.commands.root import app
from sim2real.runtime.privacy import Privacy
from sim2real.runtime.support import Support, write_archive


def pack(*arguments: object) -> dict:
    result = CliRunner().invoke(app, ["support", *(str(argument) for argument in arguments), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def contents(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "run.mcap"
    sim2real.run(
        "quadruped_walk", "quadruped", lockstep=True, plant="inertia", faults="lossy_bus", duration=1.0, log=path
    )
    return path


def test_the_archive_of_a_log_has_what_helps(log: Path, tmp_path: Path) -> None:
    archive = tmp_path / "support.zip"
    document = pack(log, "--output", archive)
    assert document["problems"] == []
    found = contents(archive)
    assert sorted(found) == document["files"]
    assert json.loads(found["machine.json"])["libraries"]["sim2real"] == sim2real.__version__
    assert "front_left_roll" in found["1_run/robot.yaml"]
    assert json.loads(found["1_run/contract.json"])["task"] == "quadruped_walk"
    assert json.loads(found["1_run/run.json"])["run"]["final_state"] == "RUNNING"
    assert any("did not answer" in event["message"] for event in json.loads(found["1_run/events.json"])["events"])
    ticks = [json.loads(line) for line in found["1_run/last_ticks.jsonl"].splitlines()]
    assert ticks[-1]["state"] == "RUNNING"


@pytest.mark.realtime
def test_the_archive_of_a_port_has_the_registers_of_its_motors(tmp_path: Path) -> None:
    archive = tmp_path / "support.zip"
    with sim2real.emulate("pendulum", plant="inertia") as emulated:
        (port,) = emulated.ports.values()
        pack(port, "--output", archive, "--protocol", "dynamixel2", "--baudrate", "1000000")
    (motor,) = json.loads(contents(archive)["1_port/motors.json"])["motors"]
    assert motor["model"].startswith("XM430")
    assert {"torque_enable", "hardware_error_status"} <= {each["name"] for each in motor["registers"]}


def test_nothing_private_is_in_the_archive(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hunter2hunter2")
    archive = tmp_path / "support.zip"
    pack(log, "-o", archive)
    text = "\n".join(f"{name}\n{body}" for name, body in contents(archive).items())
    private = {str(Path.home()), socket.gethostname(), "hunter2", "/home/"}
    for source in ("/etc/machine-id", "/sys/class/dmi/id/product_uuid", "/sys/class/dmi/id/product_serial"):
        try:
            private.add(Path(source).read_text().strip())
        except OSError:
            continue
    user = getpass.getuser()
    if user != "root":
        private.add(user)
    for word in private - {"", "None", "Not Specified"}:
        assert word not in text, word
    assert not any(f"{name}={value}" in text for name, value in os.environ.items())


def test_names_paths_and_serial_numbers_are_removed_wherever_they_are(tmp_path: Path) -> None:
    privacy = Privacy("ada", "ada-laptop", Path("/home/ada"))
    support = Support(
        {
            "1_ada/robot.yaml": "port: /dev/serial/by-id/usb-FTDI_Serial_FT4TCVXL-if00-port0\npath: /home/ada/x\n",
            "run.json": json.dumps(
                {"host": "ada-laptop.local", "serial_number": 42, "list": ["/home/bob/y", "Ada adapts"]}
            ),
            "ticks.jsonl": '{"note":"by ada on ada-laptop"}\n',
        }
    )
    archive = tmp_path / "support.zip"
    write_archive(support, archive, privacy)
    found = contents(archive)
    text = json.dumps(found)
    for word in ("FT4TCVXL", "/home/", "ada-laptop", "42", "bob", "by ada"):
        assert word not in text, word
    assert "adapts" in text  # a word that only contains the name is not one
    assert "1_<user>/robot.yaml" in found


@pytest.mark.parametrize("source", ["no.mcap", "."])
def test_a_source_that_is_neither_is_one_line(source: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["support", source, "-o", str(tmp_path / "x.zip")])
    assert result.exit_code == 1
    assert "neither a log nor a serial port" in result.output
    assert not (tmp_path / "x.zip").exists()


def test_a_damaged_log_is_a_line_in_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    path.write_bytes(b"garbage")
    document = pack(path, "-o", tmp_path / "x.zip")
    (problem,) = document["problems"]
    assert "not a log of `sim2real run`" in problem
    assert "not a log" in contents(tmp_path / "x.zip")["problems.txt"]


def test_an_archive_that_cannot_be_written_is_one_line(log: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["support", str(log), "-o", str(tmp_path / "no" / "x.zip")])
    assert result.exit_code == 1
    assert "cannot be written: No such file" in result.output
