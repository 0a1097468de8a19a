"""The `replay` command: a log's observations, actions and targets, computed again."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.policy_reference import policy_file
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.replay import WHAT
from sim2real.runtime.replay import replay as replay_log

app = typer.Typer()


@app.command()
@reports
def replay(
    log: Annotated[Path, typer.Argument(help="An MCAP log of `sim2real run`.", show_default=False)],
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            help="Also compute the actions: a shipped policy, a training run, or an ONNX file.",
            show_default=False,
        ),
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Replay a log through contract and safety; fails unless all that they computed comes out bit for bit.

    That is every observation and target, every verdict, state, limit and command. With --policy the actions too, which
    need the machine and the onnxruntime that made the log.

    Example: sim2real replay run.mcap --policy policy.onnx
    """
    loaded = OnnxPolicy(policy_file(policy)) if policy is not None else None
    result = replay_log(log, loaded)
    first = result.mismatches[0].document() if result.mismatches else None
    document = {
        "log": str(log),
        "complete": result.log.complete,
        "policy": str(policy) if policy is not None else None,
        "policy_sha256": loaded.digest if loaded is not None else None,
        "logged_policy_sha256": result.log.metadata.get("policy_sha256"),
        "ticks": result.ticks,
        "mismatches": {what: result.counts[what] for what in WHAT},
        "with_safety": result.with_safety,
        "stopped_at": result.stopped_at,
        "stopped_by": result.stopped_by,
        "first": first,
    }
    compared = "observations, actions and targets" if loaded is not None else "observations and targets"
    if result.with_safety:
        compared = compared.replace(" and targets", ", targets, verdicts, states and commands")
    lines = [f"{escape(str(log))}: {result.ticks} ticks in which the policy ran"]
    if not result.log.complete:
        lines.append("the log was cut off or is damaged: its end is missing")
    if loaded is not None and loaded.digest != document["logged_policy_sha256"]:
        lines.append(f"another policy than the log's: SHA-256 {loaded.digest[:12]}…")
    if not result.with_safety:
        lines.append("a log of an earlier version: without what safety decided on, which is not replayed")
    if result.stopped_at is not None:
        lines.append(f"replayed up to {result.stopped_by} after tick {result.stopped_at}")
    if not result.reasons:
        lines.append(f"[green]ok[/green]: {compared} come out bit for bit")
    return Outcome(document, "\n".join(lines), ok=not result.reasons, reasons=result.reasons)
