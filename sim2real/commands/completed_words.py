"""What a shell may complete an argument with: names of what is shipped and of what stands here, and keys of `--set`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sim2real.configs.library import KINDS, shipped, shipped_policies
from sim2real.configs.policy_reference import RUNS, run_names

Words = Callable[[Any, str], list[str]]
"""From what was typed so far and the beginning of a word: how the word may go on."""

_FILES_MAX: Final = 500  # of one folder: a shell waits for the answer


@dataclass(frozen=True)
class Word:
    """One word, as typer's completion takes it."""

    value: str
    type: str = "plain"
    help: str | None = None


def complete_names(command: Any) -> None:  # noqa: ANN401 - typer's classes are private
    """Let the arguments and options of a command, and of those below it, be completed by what their names stand for."""
    for below in getattr(command, "commands", {}).values():
        complete_names(below)
    names = {parameter.name for parameter in command.params}
    numbers = {"motor", "to"} if names.isdisjoint({"robot", "model"}) else set()  # `motors set-id`: ids of motors
    for parameter in command.params:
        if parameter.name not in numbers and (words := _WORDS.get(parameter.name)) is not None:
            parameter.shell_complete = _completer(words)


def _completer(words: Words) -> Callable[[Any, str], list[Word]]:
    return lambda ctx, begin: [Word(each) for each in words(ctx, begin)]


def _config(kind: str) -> Words:
    """Return the shipped names of a kind, and YAML files here."""

    def words(_: Any, begin: str) -> list[str]:  # noqa: ANN401 - typer's context class is private
        return _begin(begin, [*shipped(kind), *_files_here(".yaml")])

    return words


def _policies(_: Any, begin: str) -> list[str]:  # noqa: ANN401 - typer's context class is private
    return _begin(begin, [*shipped_policies(), *run_names(RUNS), *_files_here(".onnx")])


def _runs(_: Any, begin: str) -> list[str]:  # noqa: ANN401 - typer's context class is private
    return _begin(begin, run_names(RUNS))


def _runs_and_logs(_: Any, begin: str) -> list[str]:  # noqa: ANN401 - typer's context class is private
    return _begin(begin, [*run_names(RUNS), *_files_here(".mcap")])


def _logs(_: Any, begin: str) -> list[str]:  # noqa: ANN401 - typer's context class is private
    return _begin(begin, _files_here(".mcap"))


def _kinds(_: Any, begin: str) -> list[str]:  # noqa: ANN401 - typer's context class is private
    return _begin(begin, list(KINDS))


def _of_the_kind(ctx: Any, begin: str) -> list[str]:  # noqa: ANN401 - typer's context class is private
    kind = ctx.params.get("kind")
    return _config(kind)(ctx, begin) if kind in KINDS else []


def _joints(suffix: str) -> Words:
    """Return the joints of the robot that the command line names, each with a suffix."""

    def words(ctx: Any, begin: str) -> list[str]:  # noqa: ANN401 - typer's context class is private
        from sim2real.configs.errors import ConfigError
        from sim2real.configs.load import load_robot

        if (robot := _given(ctx).get("robot")) is None:
            return []
        try:
            joints = load_robot(str(robot)).joints
        except ConfigError:
            return []
        return [f"{name}{suffix}" for name in joints if name.startswith(begin)]

    return words


def _algorithms(_: Any, begin: str) -> list[str]:  # noqa: ANN401 - typer's context class is private
    from sim2real.configs.schema.algorithm import ALGORITHMS

    return _begin(begin, list(ALGORITHMS.names))


def _keys(ctx: Any, begin: str) -> list[str]:  # noqa: ANN401 - typer's context class is private
    """Return the keys of what the command line names, one level at a time: a key ends in `=`, a block in `.`."""
    if "=" in begin:
        return []
    kind, reference = _named(_given(ctx))
    if kind is None:
        return []
    from sim2real.configs.config_reference import find_given
    from sim2real.configs.errors import ConfigError
    from sim2real.configs.load import SCHEMAS
    from sim2real.configs.schema_fields import fields_at
    from sim2real.configs.splice import read_spliced

    *above, _ = begin.split(".")
    schema = SCHEMAS[kind]
    try:
        data = read_spliced(schema, find_given(kind, str(reference), schema)).data
    except ConfigError:
        return []
    here: Any = data
    for key in above:
        here = here.get(key) if isinstance(here, dict) else None
    at = tuple(above)
    names = [*(here if isinstance(here, dict) else ()), *fields_at(schema, at, data)]
    found = [
        ".".join((*above, name)) + ("." if _is_block(schema, data, (*at, name), here) else "=")
        for name in dict.fromkeys(map(str, names))
    ]
    return [word for word in found if word.startswith(begin)]


def _is_block(schema: Any, data: Any, at: tuple[str, ...], above: Any) -> bool:  # noqa: ANN401 - any schema, any YAML
    from sim2real.configs.schema_fields import fields_at

    return (isinstance(above, dict) and isinstance(above.get(at[-1]), dict)) or bool(fields_at(schema, at, data))


def _given(ctx: Any) -> dict[str, Any]:  # noqa: ANN401 - typer's context class is private
    """Return what was typed so far, by name: an option that still waits for its value keeps words from being parsed."""
    names = [parameter.name for parameter in ctx.command.params if parameter.param_type_name == "argument"]
    return {**dict(zip(names, ctx.args, strict=False)), **{key: value for key, value in ctx.params.items() if value}}


def _named(params: Mapping[str, Any]) -> tuple[str | None, object]:
    """Return the kind and the reference of what the overrides of a command line are for."""
    if params.get("kind") in KINDS and params.get("reference"):
        return str(params["kind"]), params["reference"]
    for name, kind in (("experiment", "experiments"), ("study", "transfers"), ("robot", "robots")):
        if params.get(name):
            return kind, params[name]
    if scenarios := params.get("scenarios"):
        return "scenarios", scenarios if isinstance(scenarios, str) else scenarios[0]
    run = params.get("policy") or params.get("resume")
    if run and (config := RUNS / str(run) / "config.yaml").is_file():
        return "experiments", config
    return None, ""


def _begin(begin: str, names: list[str]) -> list[str]:
    """Return the names with a beginning; none for a path, which the shell itself completes."""
    return [] if "/" in begin else [name for name in dict.fromkeys(names) if name.startswith(begin)]


def _files_here(suffix: str) -> list[str]:
    try:
        return sorted(path.name for path in list(Path().glob(f"*{suffix}"))[:_FILES_MAX])
    except OSError:
        return []


_WORDS: Final[dict[str, Words]] = {
    "policy": _policies,
    "run": _runs,
    "resume": _runs,
    "init_from": _runs,
    "source": _runs_and_logs,
    "sources": _logs,
    "log": _logs,
    "robot": _config("robots"),
    "motor": _config("motors"),
    "robots": _config("robots"),
    "experiment": _config("experiments"),
    "scenarios": _config("scenarios"),
    "task": _config("tasks"),
    "task_file": _config("tasks"),
    "robot_file": _config("robots"),
    "joint": _joints(""),
    "angles": _joints("="),
    "algorithm": _algorithms,
    "tasks": _config("tasks"),
    "randomization": _config("randomization"),
    "faults": _config("faults"),
    "to": _config("targets"),
    "study": _config("transfers"),
    "kind": _kinds,
    "reference": _of_the_kind,
    "overrides": _keys,
}
