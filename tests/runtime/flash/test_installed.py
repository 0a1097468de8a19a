"""Laws of running what is installed: a slot that `status` calls damaged runs nowhere, whatever asks for it."""

import json
import shutil
from pathlib import Path

import pytest
from flash_models import ROBOT, write_policy
from typer.testing import CliRunner

from sim2real.configs.errors import UserError
from sim2real.runtime.commands import hil, inspect, replay
from sim2real.runtime.commands import run as run_command
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.flash.rollback import status
from sim2real.runtime.policy import load_policy
from sim2real.runtime.run import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "robot"
    for seed in range(2):
        flash(write_policy(tmp_path / f"policy{seed}.onnx", seed), ROBOT, DirectoryTarget(folder))
    return folder


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x04
    path.write_bytes(data)


def weight(policy: Path) -> int:
    """The place of a weight in the file."""
    return policy.read_bytes().index(b"W", policy.read_bytes().index(b"MatMul") + 6) + 4


DAMAGES = {
    "a weight": lambda slot: flip(slot / "policy.onnx", weight(slot / "policy.onnx")),
    "the provenance": lambda slot: flip(slot / "policy.onnx", (slot / "policy.onnx").read_bytes().index(b"seed")),
    "the end is missing": lambda slot: (slot / "policy.onnx").write_bytes((slot / "policy.onnx").read_bytes()[:-9]),
    "bytes behind the end": lambda slot: (slot / "policy.onnx").write_bytes((slot / "policy.onnx").read_bytes() + b"0"),
    "another policy": lambda slot: shutil.copy(slot.parent / "slot_a" / "policy.onnx", slot / "policy.onnx"),
    "no manifest": lambda slot: (slot / "manifest.json").unlink(),
    "the manifest": lambda slot: flip(slot / "manifest.json", (slot / "manifest.json").read_bytes().index(b"sha256")),
    "another manifest": lambda slot: shutil.copy(slot.parent / "slot_a" / "manifest.json", slot / "manifest.json"),
}


@pytest.mark.parametrize("through", ["current", "slot_b"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_slot_is_refused_in_one_line_as_status_does(folder, damage, through):
    policy = folder / through / "policy.onnx"
    assert load_policy(policy).size
    DAMAGES[damage](folder / "slot_b")
    assert status(DirectoryTarget(folder)).problem is not None
    for attempt in (lambda: load_policy(policy), lambda: run(policy, "pendulum", lockstep=True, duration=0.1)):
        with pytest.raises(UserError) as refused:
            attempt()
        assert len(str(refused.value).splitlines()) == 1
        assert str(refused.value).startswith(str(policy))
    assert load_policy(folder / "slot_a" / "policy.onnx").size


@pytest.mark.parametrize(
    ("app", "arguments"),
    [
        (run_command.app, ["POLICY", "--robot", "pendulum", "--lockstep", "--duration", "0.1"]),
        (inspect.app, ["POLICY"]),
        (hil.app, ["pendulum_swingup", "--policy", "POLICY"]),
        (replay.app, ["no.mcap", "--policy", "POLICY"]),
    ],
)
def test_every_command_refuses_it(folder, app, arguments):
    DAMAGES["a weight"](folder / "slot_b")
    policy = str(folder / "current" / "policy.onnx")
    done = CliRunner().invoke(app, [*(policy if text == "POLICY" else text for text in arguments), "--json"])
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert not document["ok"]
    assert "damaged" in document["reasons"][0]


def test_a_file_outside_a_slot_needs_no_manifest(folder, tmp_path):
    shutil.copy(folder / "slot_a" / "policy.onnx", tmp_path / "policy.onnx")
    assert load_policy(tmp_path / "policy.onnx").size
