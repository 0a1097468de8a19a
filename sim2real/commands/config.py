"""The `config` command: list, show and check configurations, and export their JSON Schema for editors."""

import json
import textwrap
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.families import MOTOR_FAMILIES
from sim2real.configs.json_schema import json_schema
from sim2real.configs.library import POLICIES, shipped_descriptions, shipped_policies
from sim2real.configs.load import SCHEMAS, dump, load
from sim2real.configs.plugins import unknown
from sim2real.configs.policy_reference import shipped_policy

_COLUMNS = 80

app = typer.Typer(
    help="List, show and check configurations; export their JSON Schema for editors.", no_args_is_help=True
)

Overrides = Annotated[list[str] | None, typer.Option("--set", help="Override key.path=value; may be repeated.")]
Kind = Annotated[str, typer.Argument(help=f"One of: {', '.join(SCHEMAS)}.", show_default=False)]


@app.command("list")
@reports
def list_shipped(
    kind: Annotated[str | None, typer.Argument(help="One of these kinds alone.", show_default=False)] = None,
    json_output: Json = False,
) -> Outcome:
    """List the shipped configurations and policies, each with what it is.

    Example: sim2real config list robots
    """
    kinds = [*SCHEMAS, POLICIES] if kind is None else [_kind(kind, [*SCHEMAS, POLICIES])]
    found = {name: _policies() if name == POLICIES else shipped_descriptions(name) for name in kinds}
    return Outcome(found, "\n\n".join(_section(name, rows) for name, rows in found.items()))


def _section(kind: str, rows: dict[str, str]) -> str:
    """Return the names of a kind and what they are."""
    width = max(map(len, rows), default=0)
    lines = [f"[bold]{kind}[/bold]"]
    for name, text in rows.items():
        what = textwrap.wrap(text.partition("; ")[0].rstrip("."), _COLUMNS - width - 4)
        lines += [escape(f"  {first:{width}}  {line}") for first, line in zip_longest([name], what, fillvalue="")]
    return "\n".join(lines)


def _policies() -> dict[str, str]:
    """Return what each shipped policy does, from the contract in its file."""
    from sim2real.runtime.contract.manifest import CONTRACT_KEY
    from sim2real.runtime.contract.model_file import metadata_of
    from sim2real.runtime.contract.spec import Contract

    found = {}
    for name in shipped_policies():
        metadata = metadata_of(shipped_policy(name).read_bytes())
        contract = Contract.model_validate_json(metadata[CONTRACT_KEY])
        found[name] = f"Policy of task {contract.task} for robot {contract.robot.name}."
    return found


@app.command()
@reports
def show(
    kind: Kind,
    reference: Annotated[str, typer.Argument(help="A shipped name or a path.")],
    overrides: Overrides = None,
    json_output: Json = False,
) -> Outcome:
    """Show a configuration with references spliced in and overrides applied; fails if it is not valid.

    Example: sim2real config show experiments pendulum_ppo --set environments=64
    """
    kind = _kind(kind, list(SCHEMAS))
    config = load(kind, SCHEMAS[kind], reference, tuple(overrides or ()))
    return Outcome({"config": config.model_dump(mode="json")}, dump(config).replace("[", "\\["))


@app.command()
@reports
def check(
    kind: Kind,
    reference: Annotated[str, typer.Argument(help="A shipped name or a path.")],
    overrides: Overrides = None,
    json_output: Json = False,
) -> Outcome:
    """Check a configuration, and that every term a task names exists: for that, the modules of the task are run.

    Example: sim2real config check tasks ./my_task.yaml
    """
    from sim2real.task.check import check_terms

    kind = _kind(kind, list(SCHEMAS))
    config = load(kind, SCHEMAS[kind], reference, tuple(overrides or ()), check_terms)
    name = getattr(config, "name", reference)
    return Outcome({"kind": kind, "name": name}, f"{kind} {name}: valid")


@app.command()
@reports
def schema(
    folder: Annotated[Path, typer.Argument(help="Output folder; gets one JSON Schema file per kind.")],
    json_output: Json = False,
) -> Outcome:
    """Write JSON Schema files, with which editors complete and check the YAML.

    Example: sim2real config schema .sim2real/schema
    """
    from sim2real.task.terms import Terms

    terms = Terms.shipped().names()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for kind, config in SCHEMAS.items():
            path = folder / f"{kind}.json"
            path.write_text(json.dumps(json_schema(config, terms), indent=1) + "\n", encoding="utf-8")
            paths.append(str(path))
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}") from error
    for broken in MOTOR_FAMILIES.working()[1]:
        error_console().print(f"warning: the schema has no registers of it: {broken}", markup=False)
    return Outcome({"paths": paths}, "\n".join(paths))


def _kind(text: str, kinds: list[str]) -> str:
    """Return a kind from its name, in the singular too. Raises ConfigError with the closest."""
    known = {kind: kind for kind in kinds} | {_singular(kind): kind for kind in kinds}
    if text not in known:
        raise ConfigError(unknown("kind of configuration", text, kinds))
    return known[text]


def _singular(kind: str) -> str:
    return f"{kind[:-3]}y" if kind.endswith("ies") else kind.removesuffix("s")
