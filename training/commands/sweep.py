"""The `sweep` command: one experiment with several settings and seeds."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import MissingExtraError, UserError
from sim2real.training.commands.seeds import Seeds, seeds_of

app = typer.Typer(help="Train with several settings and seeds, and compare.")


@app.command()
@reports
def sweep(
    experiment: Annotated[str, typer.Argument(help="A shipped experiment, a path, or gym/ID.", show_default=False)],
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", help="A value of a setting, key.path=value; repeat for others.", show_default=False),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override key.path=value in all runs; may be repeated.")
    ] = None,
    algorithm: Annotated[str | None, typer.Option(help="For gym/ID; default: ppo.")] = None,
    seeds: Seeds = "0,1,2",
    steps: Annotated[int | None, typer.Option(min=1, help="Control steps of a run; default: the experiment's.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Runs at a time, in processes of their own.")] = 1,
    output: Annotated[Path, typer.Option(help="Folder of the sweep; finished runs are not repeated.")] = Path(
        "runs/sweep"
    ),
    json_output: Json = False,
) -> Outcome:
    """Train every combination of settings with every seed; print a table, and draw the learning curves.

    After an interruption the same command goes on; with more seeds, values or steps it adds to what is there.

    Example: sim2real sweep pendulum_ppo --vary algorithm.clip=0.1 --vary algorithm.clip=0.3 --seeds 0,1
    """
    try:
        from sim2real.training.sweep.figure import sweep_figure
        from sim2real.training.sweep.outcome import groups_of, text_of
        from sim2real.training.sweep.plan import Planned, begin, check, combinations
        from sim2real.training.sweep.run_all import run_all
    except ModuleNotFoundError as error:
        raise MissingExtraError("sweep", error.name or "torch", "train") from error
    console, common = error_console(), tuple(overrides or ())
    runs = [
        Planned(" ".join(chosen) or "as it is", experiment, algorithm, seed, steps, (*common, *chosen))
        for seed in seeds_of(seeds)
        for chosen in combinations(_values(vary or []))
    ]
    check(runs)
    begin(runs, output)
    failed = run_all(runs, output, jobs, lambda line: console.print(escape(line)))
    groups, picture = groups_of(runs, output), output / "sweep.png"
    sweep_figure({experiment: groups}, picture)
    document = {
        "experiment": experiment,
        "output": str(output),
        "groups": {group.name: group.document() for group in groups},
        "picture": str(picture),
    }
    text = escape(f"{text_of(groups)}\npicture: {picture}")
    return Outcome(document, text, ok=not failed, reasons=tuple(failed))


def _values(vary: list[str]) -> dict[str, list[str]]:
    """Return the values of each setting, in the order given. Raises UserError."""
    values: dict[str, list[str]] = {}
    for text in vary:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise UserError(f"--vary {text}: give key.path=value, as in algorithm.clip=0.1")
        if value in values.setdefault(key, []):
            raise UserError(f"--vary {text}: is there twice")
        values[key].append(value)
    return values
