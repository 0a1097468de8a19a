"""Laws of wrong calls: each is answered in one line that names the mend, with `--json` also in one document."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.command_outcome import EXIT_FAILED, refused_file
from sim2real.configs.errors import UserError

# What is typed, and what the answer must say: the closest valid word, what is valid, or the command that mends it.
WRONG = {
    # words of the command line
    "trian pendulum_ppo": "did you mean 'train'?",
    "evla first": "did you mean 'eval'?",
    "motors scna --port /dev/null": "did you mean 'scan'?",
    "bench sims": "did you mean 'sim'?",
    "config lst": "did you mean 'list'?",
    "train pendulum_ppo --nmae x": "did you mean --name?",
    "run pendulum_swingup --robto pendulum": "did you mean --robot?",
    "run pendulum_swingup": "missing option '--robot'",
    "flash pendulum_swingup": "missing option '--to'",
    "eval": "missing argument",
    "eval first --episodes many": "'--episodes': ",
    "eval first --episodes 0": "'--episodes': ",
    "completion tcsh": "'bash', 'zsh', 'fish'",
    "motors show --port /dev/null": "missing option '--id'",
    # names
    "train pendulum_pop": "did you mean 'pendulum_ppo'?",
    "train --resume frist": "did you mean 'first'?",
    "train pendulum_ppo --init-from frist": "did you mean 'first'?",
    "eval frist": "did you mean 'first'?",
    "eval pendulum_swing": "did you mean 'pendulum_swingup'?",
    "export frist": "did you mean 'first'?",
    "report frist": "did you mean 'first'?",
    "inspect pendulum_swingpu": "did you mean 'pendulum_swingup'?",
    "inspect cut": "write it with: sim2real export runs/cut",
    "inspect .": "no policy in this folder",
    "run pendulum_swingup --robot pendulun --lockstep --duration 1": "did you mean 'pendulum'?",
    "emulate quadrupde": "did you mean 'quadruped'?",
    "emulate --motor xl330_m07": "did you mean 'xl330_m077'?",
    "hil pendulum_swingpu": "did you mean 'pendulum_swingup'?",
    "config list robtos": "did you mean 'robots'?",
    "config show robot quadrupd": "did you mean 'quadruped'?",
    "runs compare first frist": "did you mean 'first'?",
    "train pendulum_ppo --name a/b": "a name without a slash",
    # values
    "config show experiments pendulum_ppo --set environmets=3": "did you mean 'environments'?",
    "config show experiments pendulum_ppo --set environments": "must have the form key.path=value",
    "config show experiments pendulum_ppo --set environments=lots": "--set environments=lots",
    "config show robots pendulum --set joints.elbow.id=3": "valid: pivot",
    "run pendulum_swingup --robot pendulum --lockstep": "lockstep needs a duration",
    "run pendulum_swingup --robot pendulum --lockstep --emulate --duration 1": "give one of them",
    "run pendulum_swingup --robot pendulum --lockstep --duration 1 --command up": "must be NAME=VALUE",
    "run pendulum_swingup --robot quadruped --lockstep --duration 1": "pendulum",
    "emulate --motor xl330_m077 --ids one": "write ids as 1-6 or 1,3,7",
    "emulate": "emulate a robot, or motors alone",
    "hil": "no scenario given",
    "train": "give an experiment",
    "motors move pendulum pivto=10deg --yes": "did you mean 'pivot'?",
    "motors move pendulum pivot=10 --yes": "valid: rad, mrad, deg, rev",
    "motors move pendulum pivot=5000deg --yes": "valid: -540.0° to 540.0°",
    "new scenario pendulum_swingpu": "did you mean 'pendulum_swingup'?",
    "new experiment so101_hold --algorithm pop": "did you mean 'ppo'?",
    "eval pendulum_swingup --report page.txt": "valid: a name that ends in .html",
    # files, ports
    "motors scan --port /dev/ttyUSB77": "/dev/ttyUSB77",
    "replay gone.mcap": "gone.mcap",
    "flash pendulum_swingup --to desk": "needs --robot ROBOT",
    "new robot gone.xml": "gone.xml",
    "emulate ./gone.yaml": "no such file",
    "reproduce first": "there is none here",
    "support gone.mcap": "gone.mcap",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for run in ("first", "cut"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "config.yaml").write_text("name: x\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(arguments: list[str]) -> tuple[str, str, int]:
    """Return standard output, standard error and status, as the installed command has them."""
    result = CliRunner().invoke(app, arguments, prog_name="sim2real")
    if isinstance(result.exception, UserError):  # what a command itself does not report, the program does
        return result.stdout, f"{result.stderr}error: {result.exception}\n", EXIT_FAILED
    if isinstance(result.exception, OSError):
        return result.stdout, f"{result.stderr}error: {refused_file(result.exception)}\n", EXIT_FAILED
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.stdout, result.stderr, result.exit_code


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_call_is_one_line_that_names_the_mend(line: str, here: Path) -> None:
    before = sorted(here.rglob("*"))
    out, err, status = answer(line.split())
    assert status in (1, 2), (out, err)
    said = [each for each in err.splitlines() if each.startswith("error: ")]
    assert len(said) == 1, err
    assert WRONG[line] in said[0]
    assert "Traceback" not in err
    assert sorted(here.rglob("*")) == before, "a refused command leaves nothing behind"


@pytest.mark.parametrize("line", [line for line in WRONG if not line.startswith("completion")])
def test_with_json_it_is_one_document_too(line: str, here: Path) -> None:
    out, err, _ = answer([*line.split(), "--json"])
    documents = [json.loads(each) for each in out.splitlines()]
    assert len(documents) == 1, (out, err)
    assert documents[0]["ok"] is False
    assert WRONG[line] in documents[0]["reasons"][0]
