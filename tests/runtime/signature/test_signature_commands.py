"""Laws of the commands keygen and sign: what they write is used by flash, and by minisign."""

import json
import os
import pty
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from flash_models import write_policy
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.runtime.signature.detached import signature_beside
from sim2real.runtime.signature.key_files import needs_password, write_key
from sim2real.runtime.signature.public_key import PublicKey
from sim2real.runtime.signature.secret_key import SecretKey


def invoke(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return write_policy(tmp_path / "policy.onnx")


def test_a_key_signs_a_policy_and_its_public_key_verifies_it(tmp_path: Path, policy: Path) -> None:
    made = invoke("keygen", "-o", tmp_path / "key", "--json")
    assert made.exit_code == 0, made.output
    document = json.loads(made.stdout)
    assert not document["encrypted"]
    signed = invoke("sign", policy, "--key", tmp_path / "key", "--json")
    assert signed.exit_code == 0, signed.output
    signature = signature_beside(policy)
    assert signature is not None
    assert json.loads(signed.stdout)["key_id"] == signature.key_name == document["key_id"]
    signature.check(policy.read_bytes(), PublicKey.read(tmp_path / "key.pub"))
    signature.check(policy.read_bytes(), PublicKey.of_line(document["trusted_key"]))
    assert "file:policy.onnx" in signature.comment


def test_without_a_terminal_the_key_has_no_password_and_that_is_said(tmp_path: Path) -> None:
    assert "not encrypted: no password was given" in invoke("keygen", "-o", tmp_path / "key").stdout
    assert not needs_password(tmp_path / "key")


def test_on_a_terminal_it_asks_for_a_password_and_does_not_show_it(tmp_path: Path, policy: Path) -> None:
    write_key(tmp_path / "key", SecretKey.new(), None)
    (tmp_path / "cheap").write_text(SecretKey.new().text("secret", operations=32_768, memory=1 << 24))
    script = "from sim2real.cli import main; main()"
    command = [sys.executable, "-c", script, "sign", str(policy), "--key", str(tmp_path / "cheap")]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as child:
        os.close(theirs)
        shown = b""
        for _ in range(1000):  # what is typed before the terminal stops showing it is thrown away
            if not termios.tcgetattr(ours)[3] & termios.ECHO or child.poll() is not None:
                break
            time.sleep(0.03)
        os.write(ours, b"secret\n")
        try:
            while more := os.read(ours, 1000):
                shown += more
        except OSError:
            pass  # Linux ends a pseudo-terminal so
    os.close(ours)
    assert child.returncode == 0, shown
    assert b"secret" not in shown
    assert signature_beside(policy) is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["keygen", "-o", "{key}"], "no key is overwritten"),
        (["keygen", "-o", "{folder}/none/key"], "cannot be written: No such file"),
        (["sign", "{policy}", "--key", "{folder}/none"], "cannot be read: No such file"),
        (["sign", "{policy}", "--key", "{key}.pub"], "valid: a secret key"),
        (["sign", "{key}", "--key", "{key}"], "is not a policy"),
        (["sign", "pendulum_swingup", "--key", "{key}"], "say where the signature goes with -o"),
        (["sign", "{policy}", "--key", "{locked}"], "there is no terminal to ask"),
        (["sign", "{policy}", "--key", "{key}", "-o", "{folder}/none/x"], "cannot be written: No such file"),
    ],
)
def test_a_mistake_is_one_line_and_status_1(arguments: list[str], message: str, tmp_path: Path, policy: Path) -> None:
    write_key(tmp_path / "key", SecretKey.new(), None)
    (tmp_path / "locked").write_text(SecretKey.new().text("x", operations=32_768, memory=1 << 24))
    places = {"key": tmp_path / "key", "policy": policy, "folder": tmp_path, "locked": tmp_path / "locked"}
    result = invoke(*(argument.format(**places) for argument in arguments), "--json")
    assert result.exit_code == 1, result.output
    assert result.stderr.count("\n") == 1
    assert message in json.loads(result.stdout)["reasons"][0]


@pytest.mark.parametrize("command", ["keygen", "sign"])
def test_help_has_an_example(command: str) -> None:
    assert f"Example: sim2real {command}" in " ".join(invoke(command, "--help").stdout.split())
