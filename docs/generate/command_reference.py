"""Reference of the command line, from the commands themselves."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer

from generate.text import one_line
from sim2real.commands.root import app

PATH = "reference/commands.md"
"""Of the page, in the documentation."""

_EXAMPLE = "Example: "

_INTRODUCTION = """# Commands

Every command has `--help`, prints one JSON document with `--json`, and exits with a status other than 0 when it
failed. An error of the user is one line that says what, where, and what would be valid; a traceback is a bug.
[Machine-readable output](json.md) describes the documents.

A policy is named by a shipped name (`quadruped_walk`), a run in `runs/` (`first`), a run's folder, a folder that
policies are flashed into, or an ONNX file. A robot, task, scenario or any other configuration is named by a shipped
name, by `NAME` of a `NAME.yaml` here, by a file, or by a folder with one such file. A name of two things is refused,
with their paths. `-o` is where something is written, `--to` what a motor or a robot is changed to; `--port PATH` is
enough where there is one bus.

| exit status | means |
|---|---|
| 0 | done, and as it should be |
| 1 | failed; the reasons are on standard error, and with `--json` in `reasons` |
| 2 | the command line was wrong |
| 130 | Ctrl-C cut short what had an end of its own |

Ctrl-C is the normal end, with status 0, of `emulate`, `motors monitor`, `motors show --live`, and of `run` without
`--duration`. It cuts short everything else: training, an evaluation, a scan, `run --duration`.
"""


def page() -> str:
    """Return the page."""
    root = typer.main.get_command(app)
    index = [f"| [`{name}`](#{anchor(name)}) | {_summary(command)} |" for name, command in _commands(root, ())]
    sections = [_section(name, command) for name, command in _commands(root, ())]
    return "\n".join([_INTRODUCTION, "| command | does |", "|---|---|", *index, "", *sections])


def examples() -> dict[str, list[str]]:
    """Return the example lines in the help of every command, by its words."""
    found = {}
    for name, command in _commands(typer.main.get_command(app), ()):
        lines = [part.removeprefix(_EXAMPLE) for part in _paragraphs(command) if part.startswith(_EXAMPLE)]
        found[name] = [" ".join(line.split()) for line in lines]
    return found


def anchor(name: str) -> str:
    """Return the anchor of a command's section."""
    return "sim2real-" + name.replace(" ", "-")


def _commands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer's classes are private
    """Yield each command below a group with its words; groups themselves are not commands."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from _commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def _summary(command: Any) -> str:  # noqa: ANN401 - typer's classes are private
    return one_line(_paragraphs(command)[0])


def _paragraphs(command: Any) -> list[str]:  # noqa: ANN401 - typer's classes are private
    text = inspect.cleandoc(command.help or "")
    return [part for part in re.split(r"\n\s*\n", text) if part]


def _section(name: str, command: Any) -> str:  # noqa: ANN401 - typer's classes are private
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    options = [item for item in command.params if item.param_type_name == "option" and item.name != "help"]
    usage = " ".join(["sim2real", name, *(_metavar(item) for item in arguments), *(["[OPTIONS]"] * bool(options))])
    lines = [f"## {name} {{#{anchor(name)}}}", ""]
    for paragraph in _paragraphs(command):
        example = paragraph.removeprefix(_EXAMPLE)
        plain = " ".join(paragraph.split())
        lines += ["```", " ".join(example.split()), "```", ""] if example != paragraph else [plain, ""]
    lines += [f"Usage: `{usage}`", "", "| argument or option | default | is |", "|---|---|---|"]
    lines += [f"| `{_metavar(item)}` | {_default(item)} | {_help(item)} |" for item in arguments]
    lines += [f"| {_option(item)} | {_default(item)} | {_help(item)} |" for item in options]
    return "\n".join([*lines, ""])


def _metavar(item: Any) -> str:  # noqa: ANN401 - typer's classes are private
    name = (item.metavar or item.name).upper()
    name += "..." if item.nargs == -1 else ""
    return name if item.required else f"[{name}]"


def _option(item: Any) -> str:  # noqa: ANN401 - typer's classes are private
    return ", ".join(f"`{text}`" for text in (*item.opts, *item.secondary_opts))


def _default(item: Any) -> str:  # noqa: ANN401 - typer's classes are private
    if item.required:
        return "**required**"
    value = item.default
    if value is None or value is False or value == () or callable(value):
        return ""
    return f"`{value}`".replace("`True`", "on")


def _help(item: Any) -> str:  # noqa: ANN401 - typer's classes are private
    several = " May be repeated." if item.multiple and "repeated" not in (item.help or "") else ""
    return one_line((item.help or "") + several)
