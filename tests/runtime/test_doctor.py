"""Laws of the checks of a machine: each fault is found, with the command that mends it, and nothing is changed."""

import json
import os
import resource
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.runtime.doctor import disk, libraries, ports, real_time, rendering

UNLIMITED = resource.RLIM_INFINITY


def without(*missing: str):
    def installed(name: str) -> str:
        if name in missing:
            raise PackageNotFoundError(name)
        return "1.0"

    return installed


def test_a_missing_library_of_the_robot_is_wrong_and_one_of_training_a_note() -> None:
    declared = ["numpy>=2.0", "mcap>=1.6", "torch>=2.6; extra == 'train'"]
    assert [each.state for each in libraries(without(), declared)] == ["ok", "ok"]
    robot, training = libraries(without("mcap", "torch"), declared)
    assert (robot.state, robot.value) == ("wrong", "missing: mcap")
    assert (training.state, training.command) == ("note", "pip install 'sim2real[train]'")


def test_rendering_that_fails_says_why_and_what_to_install() -> None:
    pytest.importorskip("mujoco")
    (found,) = rendering(lambda command: "no EGL")
    assert (found.state, found.value) == ("note", "no EGL")
    assert found.command.startswith("sudo apt install libegl1")
    assert rendering(lambda command: None)[0].state == "ok"


def test_a_port_without_rights_names_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (found,) = ports([str(port)], tmp_path)
    assert found.state == "wrong"
    assert found.command.startswith(f"sudo usermod -aG {port.group()} ")


@pytest.mark.parametrize(("timer", "state"), [("16", "note"), ("1", "ok"), (None, "ok")])
def test_a_slow_latency_timer_is_noted(timer: str | None, state: str, tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch()
    usb = tmp_path / "usb" / "ttyUSB0"
    usb.mkdir(parents=True)
    if timer is not None:
        (usb / "latency_timer").write_text(f"{timer}\n")
    (found,) = ports([str(port)], tmp_path / "usb")
    assert found.state == state
    assert (found.command == f"echo 1 | sudo tee {usb / 'latency_timer'}") == (state == "note")


def test_no_port_is_a_note() -> None:
    assert [each.state for each in ports([])] == ["note"]


@pytest.mark.parametrize(
    ("priority", "memory", "user", "refused"),
    [
        (0, 65536, 1000, "not allowed: scheduling, locked memory"),
        (50, 65536, 1000, "not allowed: locked memory"),
        (50, UNLIMITED, 1000, None),
        (UNLIMITED, UNLIMITED, 1000, None),
        (0, 0, 0, None),
    ],
)
def test_limits_of_real_time(priority: int, memory: int, user: int, refused: str | None) -> None:
    limits = {resource.RLIMIT_RTPRIO: priority, resource.RLIMIT_MEMLOCK: memory}
    (found,) = real_time(lambda which: (0, limits[which]), user)
    assert found.state == ("ok" if refused is None else "note")
    assert refused is None or found.value == refused


@pytest.mark.parametrize(("free", "state"), [(2**20, "wrong"), (2 * 2**30, "note"), (2**40, "ok")])
def test_space_on_the_disk(free: int, state: str, tmp_path: Path) -> None:
    assert disk(tmp_path, lambda path: free)[0].state == state


@pytest.mark.slow
def test_the_command_prints_every_check_and_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["doctor", "--json"])
    document = json.loads(result.stdout)
    assert document["ok"] == (result.exit_code == 0)
    assert {"Python", "libraries", "real time", "disk"} <= {each["what"] for each in document["checks"]}
    assert document["checks"][0]["value"] == ".".join(map(str, sys.version_info[:3]))
    assert all(each["advice"] for each in document["checks"] if each["state"] != "ok")
    assert list(tmp_path.iterdir()) == []
