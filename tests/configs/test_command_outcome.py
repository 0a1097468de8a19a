"""Laws of command outcomes: results and exceptions become output and exit status."""

import errno
import json
import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner, Result

from sim2real.configs.command_outcome import EXIT_INTERRUPTED, Json, Outcome, reports
from sim2real.configs.errors import ConfigError, MissingExtraError, UserError


def run(result: Outcome | BaseException, *arguments: str) -> Result:
    app = typer.Typer()

    @app.command()
    @reports
    def command(json_output: Json = False) -> Outcome:
        if isinstance(result, BaseException):
            raise result
        return result

    return CliRunner().invoke(app, list(arguments))


def test_success_prints_text_or_one_document_with_status_0() -> None:
    outcome = Outcome({"reward": 1.5}, "[bold]reward[/bold] 1.5")
    assert (run(outcome).stdout, run(outcome).exit_code) == ("reward 1.5\n", 0)
    assert run(outcome, "--json").stdout == '{"ok": true, "reasons": [], "reward": 1.5}\n'


def test_failure_prints_reasons_on_standard_error_with_status_1() -> None:
    outcome = Outcome({"reward": 1.5}, "reward 1.5", ok=False, reasons=("too low", "[sic] too late"))
    for arguments in ((), ("--json",)):
        result = run(outcome, *arguments)
        assert result.exit_code == 1
        assert result.stderr == "error: too low\nerror: [sic] too late\n"
    assert json.loads(run(outcome, "--json").stdout) == {
        "ok": False, "reasons": ["too low", "[sic] too late"], "reward": 1.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    "error", [UserError("no such motor"), ConfigError("a.yaml:3: wrong"), MissingExtraError("train", "torch", "train")]
)
def test_a_user_error_is_one_line_and_one_document(error: UserError) -> None:
    result = run(error, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"ok": False, "reasons": [str(error)]}
    assert result.stderr == f"error: {error}\n"


def test_a_file_that_the_system_refuses_is_one_line_and_one_document() -> None:
    # A name that is too long, or a TMPDIR that is not there, ended in a traceback.
    result = run(OSError(errno.ENAMETOOLONG, "File name too long", "xxx"), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"ok": False, "reasons": ["xxx: File name too long"]}
    assert result.stderr == "error: xxx: File name too long\n"


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_standard_output_that_takes_nothing_is_one_line(arguments: tuple[str, ...], buffered: bool) -> None:
    # `sim2real run … > file` on a full disk ended in a traceback, and where Python buffers, with its own status.
    program = (
        "from sim2real import cli; from sim2real.commands.root import app\n"
        "from sim2real.configs.command_outcome import *\n"
        "@app.command()\n@reports\n"
        "def greet(json_output: Json = False) -> Outcome: return Outcome({}, 'hello')\n"
        "cli.main()"
    )
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, "greet", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"},
        )
    assert (done.returncode, done.stderr) == (1, "error: standard output cannot be written: No space left on device\n")


def test_an_error_of_the_system_without_a_file_is_a_bug_of_ours() -> None:
    assert isinstance(run(OSError(errno.EBADF, "Bad file descriptor")).exception, OSError)


def test_other_exceptions_are_not_caught() -> None:
    assert isinstance(run(ZeroDivisionError("bug")).exception, ZeroDivisionError)


def test_an_interrupt_has_status_130() -> None:
    result = run(KeyboardInterrupt())
    assert (result.exit_code, result.stderr) == (EXIT_INTERRUPTED, "interrupted\n")


def test_an_interrupt_prints_its_document_too() -> None:
    result = run(KeyboardInterrupt(), "--json")
    assert result.exit_code == EXIT_INTERRUPTED
    assert json.loads(result.stdout) == {"ok": False, "reasons": ["interrupted"]}


def test_non_finite_floats_become_null() -> None:
    values = {"nan": float("nan"), "deep": [1.0, (float("inf"), {"x": float("-inf")})], 3: "text"}
    assert json.loads(run(Outcome({"figures": values}), "--json").stdout)["figures"] == {
        "nan": None, "deep": [1.0, [None, {"x": None}]], "3": "text",
    }  # fmt: skip


def test_a_missing_extra_says_what_to_install() -> None:
    message = str(MissingExtraError("train", "torch", "train"))
    assert message == ("train needs torch, which is not installed; install it with: pip install 'sim2real[train]'")
