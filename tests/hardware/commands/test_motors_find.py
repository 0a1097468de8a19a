"""Laws of `motors find`: the port that goes and comes back is the adapter's; its name lasts; access is explained."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from sim2real.hardware.commands import motors_find
from sim2real.hardware.commands.motors import app
from sim2real.hardware.commands.motors_find import stable_name


def port(path, vid=1):
    return SimpleNamespace(device=str(path), product="adapter", description="", vid=vid)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Two adapters; what is plugged in at each look is what the test says."""
    for name in ("usb0", "usb1", "usb2"):
        (tmp_path / name).write_text("")
    seen = []
    monkeypatch.setattr(motors_find, "comports", lambda: [port(tmp_path / name) for name in seen.pop(0)])
    return tmp_path, seen


def run(*arguments, code=0):
    result = CliRunner().invoke(app, ["find", *arguments, "--json"], input="\n\n")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout.splitlines()[-1])


def test_the_port_that_goes_and_comes_back_is_the_adapter_s(desk):
    folder, seen = desk
    seen += [["usb0", "usb1"], ["usb0"], ["usb0", "usb2"]]
    assert [row["device"] for row in run()["ports"]] == [str(folder / "usb2")], "it may come back as another device"


@pytest.mark.parametrize(
    ("looks", "named"),
    [
        ([[]], "plug the adapter in"),
        ([["usb0"], ["usb0"]], "0 ports have gone"),
        ([["usb0", "usb1"], []], "2 ports have gone"),
        ([["usb0"], [], []], "0 ports have come back"),
    ],
)
def test_anything_else_is_one_line(desk, looks, named):
    desk[1].extend(looks)
    (reason,) = run(code=1)["reasons"]
    assert named in reason


def test_a_name_that_lasts_is_preferred(tmp_path):
    device, by_id = tmp_path / "usb0", tmp_path / "by-id"
    device.write_text("")
    assert stable_name(str(device), by_id) == str(device)
    by_id.mkdir()
    (by_id / "usb-FTDI-1234").symlink_to(device)
    assert stable_name(str(device), by_id) == str(by_id / "usb-FTDI-1234")


def test_a_port_that_may_not_be_opened_is_explained(desk, monkeypatch):
    desk[1].append(["usb0"])
    monkeypatch.setattr("os.access", lambda path, mode: False)
    (reason,) = run("--list", code=1)["reasons"]
    assert "dialout" in reason
    assert "udev" in reason
