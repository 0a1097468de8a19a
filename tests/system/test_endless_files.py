"""Laws of files that have no end: every command that is given one refuses it, and none waits."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2real.commands.root import app

COMMANDS = {
    "run FILE --robot pendulum --lockstep --duration 1": "onnx",
    "inspect FILE": "onnx",
    "flash FILE --to desk --robot pendulum": "onnx",
    "sign FILE --key FILE": "onnx",
    "export FILE --target c -o walk.c": "onnx",
    "import FILE --from FILE.yaml -o out.onnx": "onnx",
    "eval FILE --episodes 1": "onnx",
    "hil pendulum_swingup --policy FILE": "onnx",
    "sign pendulum_swingup -o signature --key FILE": "key",
    "flash pendulum_swingup --to FILE": "yaml",
    "status --to FILE": "yaml",
    "hil FILE": "yaml",
}
"""What is typed, and the suffix of the file."""


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("typed", COMMANDS)
def test_a_file_without_an_end_is_refused_in_one_line(
    typed: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A pipe without a writer was waited for; of a device, all memory was filled.
    monkeypatch.chdir(tmp_path)
    file = Path(f"file.{COMMANDS[typed]}")
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("/dev/zero")
    done = CliRunner().invoke(app, [*typed.replace("FILE", str(file)).split(), "--json"])
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert not document["ok"]
    assert any(words in str(document["reasons"]) for words in ("Not a regular file", "no such file", "onnxruntime can"))


def test_a_file_of_zeros_is_no_policy_however_long_it_is(tmp_path: Path) -> None:
    # As after a power cut: each zero was read as a field.
    file = tmp_path / "zeros.onnx"
    file.touch()
    os.truncate(file, 100 << 20)
    done = CliRunner().invoke(app, ["inspect", str(file), "--json"])
    assert "not a valid ONNX model: no field has the number 0" in json.loads(done.stdout)["reasons"][0]
