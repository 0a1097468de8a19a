"""The `config` command: list, show and check configurations, and export their JSON Schema for editors."""

import difflib
import json
from pathlib import Path
from typing import Annotated

import typer

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.families import MOTOR_FAMILIES
from sim2real.configs.json_schema import json_schema
from sim2real.configs.library import shipped
from sim2real.configs.load import SCHEMAS, dump, load
from sim2real.configs.schema.base import Config

app = typer.Typer(
    help="List, show and check configurations; export their JSON Schema for editors.", no_args_is_help=True
)

Overrides = Annotated[list[str] | None, typer.Option("--set", help="Override key.path=value; may be repeated.")]
Kind = Annotated[str, typer.Argument(help=f"One of: {', '.join(SCHEMAS)}.", show_default=False)]


@app.command("list")
@reports
def list_shipped(json_output: Json = False) -> Outcome:
    """List the shipped configurations.

    Example: sim2real config list
    """
    found = {kind: shipped(kind) for kind in SCHEMAS}
    return Outcome(found, "\n".join(f"[bold]{kind}[/bold]: {', '.join(names) or '-'}" for kind, names in found.items()))


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
    config = load(kind, _schema(kind), reference, tuple(overrides or ()))
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

    config = load(kind, _schema(kind), reference, tuple(overrides or ()), check_terms)
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


def _schema(kind: str) -> type[Config]:
    if kind not in SCHEMAS:
        close = difflib.get_close_matches(kind, SCHEMAS, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise ConfigError(f"no kind of configuration named {kind!r}{hint}; valid: {', '.join(SCHEMAS)}")
    return SCHEMAS[kind]
