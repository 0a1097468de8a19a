"""Command lines of this program, parsed or run in this process as a person typed them."""

import shlex

import typer
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs import command_outcome
from sim2real.runtime.commands.default_command import DefaultCommand


def parsed(line: str) -> str:
    """Parse a line as the program does, and run nothing; return the words of its command."""
    program, *words = shlex.split(line.partition(" < ")[0])
    assert program == "sim2real", line
    command, ctx, path = typer.main.get_command(app), None, [program]
    while hasattr(command, "resolve_command"):  # a group: its own options are none, or of the help alone
        ctx = command.make_context(path[-1], [], parent=ctx, resilient_parsing=True)
        if isinstance(command, DefaultCommand) and words[:1] != ["--help"] and words[0] not in command.commands:
            words = ["run", *words]
        name, command, words = command.resolve_command(ctx, words)
        path.append(name)
    command.make_context(path[-1], words, parent=ctx)
    return " ".join(path[1:])


class Session:
    """Lines typed one after the other in the working directory."""

    def __init__(self, monkeypatch) -> None:
        self.next = {}
        """What each line said one does next."""
        self._said = []
        monkeypatch.setattr(command_outcome, "print_next", self._said.extend)

    def type(self, line, given=None, status=0):
        """Run a line; return its output. A status of None is any."""
        words = shlex.split(line)
        if "<" in words:
            at = words.index("<")
            with open(words[at + 1], "rb") as file:
                given = file.read()
            words = words[:at]
        self._said.clear()
        result = CliRunner().invoke(app, words[1:], input=given, prog_name="sim2real")
        ended = result.exception if not isinstance(result.exception, SystemExit) else None
        good = ended is None and status in (None, result.exit_code)
        assert good, f"{line}: status {result.exit_code}\n{result.output}\n{result.exception!r}"
        self.next[line] = tuple(self._said)
        return result.output
