"""Laws of wrong command lines: one line that names the mend, a status of its own, and JSON where it was asked for."""

import json

import pytest
from typer.testing import CliRunner

from sim2real.commands.root import app

# What was typed, the command that it was meant for, and what is said.
WRONG = [
    ("trian", "", "no command named 'trian' (did you mean 'train'?)"),
    ("--vresion", "", "no such option: --vresion (did you mean --version?)"),
    ("bench tikc", " bench", "no command named 'tikc' (did you mean 'tick'?)"),
    ("bench tick --tikcs 3", " bench tick", "no such option: --tikcs (did you mean --ticks?)"),
    ("bench tick --ticks 1", " bench tick", "invalid value for '--ticks'"),
    ("motors scna", " motors", "no such command 'scna' (did you mean 'scan'?)"),
    ("run", " run", "missing argument 'policy'"),
    ("run x --robot", " run", "option '--robot' requires an argument"),
    ("run x --robot pendulum --durations 3", " run", "no such option: --durations (did you mean --duration?)"),
    ("run x --robot pendulum --duration long", " run", "invalid value for '--duration'"),
    ("run x y --robot pendulum", " run", "got unexpected extra argument(s) (y)"),
]


def invoke(words):
    return CliRunner().invoke(app, words, prog_name="sim2real")


@pytest.mark.parametrize(("line", "command", "said"), WRONG)
def test_a_wrong_command_line_is_one_line_that_names_the_mend(line, command, said):
    result = invoke(line.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"error: sim2real{command}: {said}")
    assert result.stderr.endswith(f"; sim2real{command} --help explains it\n")


@pytest.mark.parametrize("line", [line for line, _, _ in WRONG if not line.endswith("--robot")])
def test_with_json_it_is_a_document_too(line):
    result = invoke([*line.split(), "--json"])
    document = json.loads(result.stdout)
    assert document["ok"] is False
    assert result.stderr == f"error: {document['reasons'][0]}\n"


def test_an_argument_that_reads_json_asks_for_none():
    result = invoke(["run", "--", "x", "--json"])
    assert result.exit_code == 2
    assert result.stdout == ""


def test_a_group_without_a_command_shows_its_help():
    result = invoke(["config"])
    assert result.exit_code == 2
    assert "schema" in result.output
