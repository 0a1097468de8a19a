"""Laws of services: the unit is one that systemd takes, and what fails leaves everything as it was."""

import json
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_systemd import FakeSystemd, fake_systemd
from flash_models import ROBOT, write_policy
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.flash.ssh import RUNTIME
from sim2real.runtime.service.run_line import program
from sim2real.runtime.service.systemctl import ServiceError
from sim2real.runtime.service.unit import Unit, target_in, word

UNIT = Unit(
    name="desk",
    command=("/usr/bin/env", "run", "/home/a b/100%/current/policy.onnx", "--command", "up=$1"),
    target="/home/a b/100%",
    system=False,
    user="root",
    moves_at_once=False,
    socket=True,
)

VERIFY = shutil.which("systemd-analyze")


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystemd:
    monkeypatch.setenv("HOME", str(tmp_path))
    return fake_systemd(tmp_path / "systemd", monkeypatch)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with an active policy."""
    flash(write_policy(tmp_path / "policy.onnx"), ROBOT, DirectoryTarget(tmp_path / "desk"))
    return tmp_path / "desk"


def service(*arguments: object, ok: bool = True) -> dict[str, Any]:
    words = [str(each) for each in arguments]
    at = words.index("--") if "--" in words else len(words)
    result = CliRunner().invoke(app, ["service", *words[:at], "--json", *words[at:]])
    assert (result.exit_code == 0) == ok, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["ok"] == ok
    if not ok:
        assert [reason for reason in found["reasons"] if "\n" in reason] == []
    return found


def installed(desk: Path, *options: object) -> dict[str, Any]:
    return service("install", "--to", desk, "--robot", "pendulum", "--", "--port", "/dev/ttyUSB0", *options)


# The unit


@pytest.mark.skipif(VERIFY is None, reason="there is no systemd-analyze")
@pytest.mark.parametrize("system", [False, True])
@pytest.mark.parametrize("moves_at_once", [False, True])
def test_systemd_takes_the_unit_without_a_word(
    system: bool, moves_at_once: bool, tmp_path: Path, systemd: FakeSystemd
) -> None:
    unit = replace(UNIT, system=system, moves_at_once=moves_at_once)
    (tmp_path / unit.file).write_text(unit.text())
    scope = "--system" if system else "--user"
    done = subprocess.run([str(VERIFY), scope, "verify", str(tmp_path / unit.file)], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if unit.file in line]
    assert (done.returncode, said) == (0, []), done.stderr


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["C"]), min_size=1))
def test_a_word_is_read_as_it_was_meant(text: str) -> None:
    """Quotes and backslashes as a shell has them; specifiers and variables are doubled."""
    (read,) = shlex.split(word(text).replace("$$", "\0").replace("%%", "%").replace("$", "?").replace("\0", "$"))
    assert read == text


def test_what_moves_at_once_stays_off_after_a_fault_and_what_waits_is_run_again() -> None:
    assert "Restart=always" in UNIT.text()
    assert "Restart=on-abnormal" in replace(UNIT, moves_at_once=True).text()


def test_a_unit_says_its_target_whatever_its_path_is() -> None:
    for path in ("/home/a b/100%", '/x"\n[Install]', "/ü"):
        assert target_in(replace(UNIT, target=path).text()) == path


def test_the_program_is_named_by_a_path_that_lasts(tmp_path: Path) -> None:
    environment = tmp_path / f"{RUNTIME}.d" / "a1" / "environment"
    for folder in (environment / "bin", tmp_path / "user"):
        folder.mkdir(parents=True)
        (folder / "sim2real").touch(mode=0o755)
    (tmp_path / RUNTIME).symlink_to(environment)
    assert program(tmp_path, str(environment)) == f"{tmp_path}/{RUNTIME}/bin/sim2real"
    assert program(Path("/elsewhere"), str(environment)) == f"{environment}/bin/sim2real"
    assert program(tmp_path, "/nowhere", f"{tmp_path}/user/sim2real") == f"{tmp_path}/user/sim2real"
    with pytest.raises(ServiceError, match="/nowhere/bin/sim2real: there is no such program"):
        program(tmp_path, "/nowhere", f"{tmp_path}/user/pytest")


# The commands


def test_install_status_uninstall_tell_the_same_story(desk: Path, systemd: FakeSystemd) -> None:
    found = installed(desk, "--set", "joints.pivot.effort_limit=0.4 N*m")
    unit = Path(found["file"])
    assert unit == systemd.units / "sim2real-desk.service"
    assert systemd.calls()[:3] == ["daemon-reload", "enable sim2real-desk.service", "restart sim2real-desk.service"]
    (start,) = (line for line in unit.read_text().splitlines() if line.startswith("ExecStart="))
    words = shlex.split(start.removeprefix("ExecStart="))
    assert words[1:5] == ["run", f"{desk}/current/policy.onnx", "--robot", "pendulum"]
    assert words[-2:] == ["--operator", "socket:%t/sim2real-desk/operator.sock"]
    (shown,) = service("status")["services"]
    assert (shown["name"], shown["state"], shown["enabled"], shown["restarts"]) == ("desk", "active", True, 2)
    assert "installed on" in shown["why"]
    assert service("status", "desk")["services"] == [shown]
    installed(desk)
    assert service("uninstall", "desk")["file"] == str(unit)
    assert systemd.calls()[-3:] == [
        "disable --now sim2real-desk.service",
        "daemon-reload",
        "reset-failed sim2real-desk.service",
    ]
    assert list(systemd.units.iterdir()) == []
    assert service("status") == {"ok": True, "reasons": [], "services": []}
    assert service("uninstall", "desk", ok=False)["reasons"] == ["no service 'desk' of this user; installed: none"]


def test_a_service_that_does_not_run_fails_the_status(desk: Path, systemd: FakeSystemd) -> None:
    installed(desk)
    systemd.crash()
    assert service("status", ok=False)["reasons"] == ["service desk is failed (failed, last ended by exit-code)"]
    (desk / "current").unlink()
    assert "no policy is active" in service("status", "desk", ok=False)["reasons"][1]


def test_a_device_among_the_options_takes_the_place_of_the_socket(desk: Path, systemd: FakeSystemd) -> None:
    text = Path(installed(desk, "--panel", "--start")["file"]).read_text()
    assert "operator.sock" not in text
    assert "Restart=on-abnormal" in text


def test_a_target_s_file_names_its_robot_from_its_own_folder(
    tmp_path: Path, desk: Path, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = CliRunner().invoke(app, ["config", "show", "robots", "pendulum", "--json"])
    mine = json.loads(shown.stdout)["config"]
    mine["buses"]["main"]["port"] = None
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine))
    entry = {"name": "bench", "kind": "directory", "path": str(desk), "robot": "./mine.yaml"}
    (tmp_path / "bench.yaml").write_text(yaml.safe_dump(entry))
    monkeypatch.chdir("/")
    refused = service("install", "--to", tmp_path / "bench.yaml", ok=False)["reasons"][0]
    assert refused == "no port for main: set `port` in the robot's YAML, or end with: -- --port main=PATH"
    found = service("install", "--to", tmp_path / "bench.yaml", "--", "--port", "/dev/ttyUSB0")
    assert found["name"] == "bench"
    assert str(tmp_path / "mine.yaml") in found["command"]


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "{desk}"], "needs --robot ROBOT as well"),
        (["--to", "{empty}", "--robot", "pendulum"], "no policy is active; install one with: sim2real flash"),
        (["--to", "{desk}", "--robot", "quadruped"], "was made for robot 'pendulum'"),
        (["--to", "{desk}", "--robot", "pendulum", "--name", "../x"], "cannot be the name of a service"),
        (["--to", "{desk}", "--robot", "pendulum", "--as", "root"], "is for --system"),
        (["--to", "{desk}", "--robot", "pendulum", "--system", "--as", "nobody-here"], "there is no such user"),
        (["--to", "{ssh}"], "a service is installed on the robot itself"),
        (["--to", "{desk}", "--robot", "pendulum", "--", "--prot", "x"], "options of run: no such option: --prot"),
        (
            ["--to", "{desk}", "--robot", "pendulum", "--", "--robot", "so101"],
            "policy and robot are those of the target",
        ),
        (["--to", "{desk}", "--robot", "pendulum", "--", "--lockstep"], "not in real time"),
        (["--to", "{desk}", "--robot", "pendulum", "--", "--operator", "keyboard"], "needs a terminal"),
        (["--to", "{desk}", "--robot", "pendulum", "--", "--help"], "options of run"),
        (["--to", "{desk}", "--robot", "pendulum", "--", "--port", "left=/dev/x"], "has no bus 'left'"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    arguments: list[str], message: str, tmp_path: Path, desk: Path, systemd: FakeSystemd
) -> None:
    (tmp_path / "empty").mkdir()
    entry = {"name": "dog", "kind": "ssh", "path": "~/dog", "robot": "pendulum", "ssh": {"host": "dog"}}
    (tmp_path / "dog.yaml").write_text(yaml.safe_dump(entry))
    places = {"desk": desk, "empty": tmp_path / "empty", "ssh": tmp_path / "dog.yaml"}
    refused = service("install", *(each.format(**places) for each in arguments), ok=False)
    assert message in refused["reasons"][0]
    assert systemd.calls() == []
    assert not systemd.units.exists()


def test_a_machine_without_systemd_is_told_in_one_line(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for arguments in (["install", "--to", desk, "--robot", "pendulum"], ["status"], ["uninstall", "desk"]):
        assert "this machine has no systemd" in service(*arguments, ok=False)["reasons"][0]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "Failed to restart sim2real-desk.service: Unit not found.",
            "systemctl --user restart sim2real-desk.service: Failed",
        ),
        ("Failed to connect to bus: No medium found", "there is no systemd for this user here"),
    ],
)
def test_what_systemd_refuses_leaves_everything_as_it_was(
    said: str, message: str, desk: Path, systemd: FakeSystemd
) -> None:
    systemd.refuse("restart", said)
    assert (
        message
        in service("install", "--to", desk, "--robot", "pendulum", "--", "--port", "/dev/ttyUSB0", ok=False)["reasons"][
            0
        ]
    )
    assert list(systemd.units.iterdir()) == []
    assert systemd.calls()[-2:] == ["disable --now sim2real-desk.service", "daemon-reload"]


def test_a_unit_of_somebody_else_is_left_alone(desk: Path, systemd: FakeSystemd) -> None:
    systemd.units.mkdir(parents=True)
    other = systemd.units / "sim2real-desk.service"
    other.write_text("[Unit]\n")
    refused = service("install", "--to", desk, "--robot", "pendulum", "--", "--port", "/dev/ttyUSB0", ok=False)
    assert "give another --name" in refused["reasons"][0]
    assert service("uninstall", "desk", ok=False)
    assert other.read_text() == "[Unit]\n"
