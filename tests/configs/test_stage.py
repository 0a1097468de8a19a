"""Laws of the line that says what a program is busy with: a terminal alone has it, and nothing is left of it."""

import io
import os
import re
import sys
from pathlib import Path

import pytest
from terminal import Terminal

from sim2real.configs.command_info import CommandInfo
from sim2real.configs.command_outcome import error_console, print_document
from sim2real.configs.plugins import Plugins
from sim2real.configs.stage import StageLine, clear_stage, show_stages, stage, stage_text, stages_hidden


class Screen(io.StringIO):
    """A terminal of 40 columns."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 0

    def row(self) -> str:
        """Return what stands in the row of the cursor."""
        return re.split(r"\r\x1b\[2K", self.getvalue())[-1]


@pytest.fixture
def screen(monkeypatch):
    monkeypatch.setattr("os.get_terminal_size", lambda descriptor: os.terminal_size((40, 24)))
    monkeypatch.setenv("TERM", "xterm")
    made = Screen()
    show_stages(made)
    yield made
    show_stages(None)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("loading", None, 0.0, 9.0), "loading ..."),
        (("video", 0.5, 0.0, 0.5), "video  50%"),
        (("video", 0.5, 0.0, 65.0), "video  50%, 1:05 left"),
        (("video", 0.5, 0.5, 5.0), "video  50%"),
        (("video", 0.75, 0.5, 5.0), "video  75%, 0:05 left"),
        (("video", 1.0, 0.0, 5.0), "video 100%, 0:00 left"),
    ],
)
def test_a_stage_says_how_far_it_is_and_how_long_it_will_take(arguments, text):
    assert stage_text(*arguments) == text


def test_one_line_is_there_at_a_time_and_never_longer_than_the_screen(screen):
    stage("first")
    assert screen.row() == "first ..."
    stage("a stage whose name is longer than the screen is wide")
    assert screen.row() == "a stage whose name is longer than the s"
    clear_stage()
    assert screen.row() == ""


@pytest.mark.parametrize("output", [lambda: error_console().print("x"), lambda: print_document({})])
def test_whatever_is_printed_takes_it_away(screen, output, capsys):
    stage("first")
    output()
    assert screen.row() == ""


def test_a_stage_is_not_drawn_at_every_step(screen):
    line = StageLine(screen)
    for tick in range(1000):
        line.show("steps", tick / 1000, tick * 1e-3)
    assert screen.getvalue().count("steps") == 10


def test_it_is_hidden_where_something_else_draws(screen):
    stage("first")
    with stages_hidden():
        assert screen.row() == ""
        stage("second")
        assert screen.row() == ""
    stage("third")
    assert screen.row() == "third ..."


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_pipe_gets_none(stream):
    show_stages(stream)
    stage("first")
    assert stream is None or stream.getvalue() == ""


def test_a_terminal_that_cannot_erase_gets_none(screen, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    show_stages(screen)
    stage("first")
    assert screen.getvalue() == ""


def test_a_terminal_that_is_gone_is_no_error(screen):
    stage("first")
    screen.close()
    stage("second")
    clear_stage()


@pytest.mark.slow
def test_a_slow_command_says_so_before_it_is_imported_and_leaves_nothing():
    command = str(Path(sys.executable).with_name("sim2real"))  # of this environment, whatever PATH says
    terminal = Terminal(command, "inspect", "pendulum_swingup")
    terminal.wait_for("\n")
    first, rest = terminal.seen.split("\r\x1b[2K", 2)[1:]
    assert first == "sim2real inspect: loading ..."
    assert rest.startswith("/") or "pendulum_swingup" in rest
    assert terminal.end() == 0
    terminal.close()
    help_page = Terminal(command, "inspect", "--help")
    assert help_page.end() == 0
    assert "loading" not in help_page.seen
    help_page.close()


def test_commands_that_load_much_are_marked():
    plugins = Plugins("sim2real.commands", "command", lambda part: None)
    slow = {name for name in plugins.names if isinstance(plugins[name], CommandInfo) and plugins[name].slow}
    assert {"train", "eval", "export", "check", "report", "demo", "run", "hil", "replay", "inspect"} <= slow
