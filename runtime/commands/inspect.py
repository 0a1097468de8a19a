"""The `inspect` command: contract, digests and provenance of a policy file."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.policy_reference import policy_file
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.manifest import ENVIRONMENT_KEY, PROVENANCE_KEY, environment_of
from sim2real.runtime.contract.model_file import metadata_of
from sim2real.runtime.contract.part import digest_of
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.policy import load_policy
from sim2real.runtime.policy_results import EVALUATION, HIL, result_lines

app = typer.Typer()


@app.command()
@reports
def inspect(
    policy: Annotated[
        Path, typer.Argument(help="A shipped policy, a training run, or an exported ONNX file.", show_default=False)
    ],
    full: Annotated[
        bool, typer.Option("--full", help="Print the texts in its provenance too: the whole experiment.")
    ] = False,
    json_output: Json = False,
) -> Outcome:
    """Show a policy's contract, digests and provenance; fails if it is not one that `run` would take.

    Of a policy for an environment of Gymnasium's it shows the spaces: that one has no contract, and `run` refuses it.

    Example: sim2real inspect policy.onnx
    """
    if (spaces := _spaces_of(policy_file(policy))) is not None:
        return Outcome(spaces, escape("\n".join(_space_lines(spaces, full))))
    loaded = load_policy(policy)
    contract = loaded.contract
    document: dict[str, Any] = {
        "path": str(policy),
        "bytes": loaded.size,
        "sha256": loaded.digest,
        "contract_sha256": contract.digest(),
        "robot_sha256": digest_of(contract.robot),
        "provenance": dict(loaded.provenance),
        "contract": contract.model_dump(mode="json"),
    }
    return Outcome(document, escape("\n".join((*_lines(document, contract), *_provenance(document, full)))))


def _spaces_of(path: Path) -> dict[str, Any] | None:
    """Return the document of a policy for a Gymnasium environment; None if it is none, or cannot be read."""
    try:
        model = read_regular(path, POLICY_BYTES_MAX)
        metadata = metadata_of(model)
        if environment_of(metadata) is None:
            return None
        return {
            "path": str(path),
            "bytes": len(model),
            "sha256": hashlib.sha256(model).hexdigest(),
            "provenance": json.loads(metadata.get(PROVENANCE_KEY, "{}")),
            "environment": json.loads(metadata[ENVIRONMENT_KEY]),
        }
    except (OSError, ValueError):
        return None  # whoever loads it as a robot's policy says what is wrong


def _space_lines(document: dict[str, Any], full: bool) -> list[str]:
    spaces = document["environment"]
    return [
        f"{document['path']}: {document['bytes']} bytes",
        f"sha256           {document['sha256']}",
        f"environment      {spaces['environment']}, of Gymnasium's interface; for no robot",
        f"observation      {spaces['observation_dtype']} of shape {spaces['observation_shape']}",
        f"action           {spaces['action_dtype']} of shape {spaces['action_shape']}; -1 and 1 are its bounds:",
        f"  low            {', '.join(f'{value:g}' for value in spaces['action_low'])}",
        f"  high           {', '.join(f'{value:g}' for value in spaces['action_high'])}",
        *_provenance(document, full),
    ]


def _provenance(document: dict[str, Any], full: bool) -> list[str]:
    """Return where a policy comes from; texts of many lines only in full, and last."""
    entries = [(key, value) for key, value in document["provenance"].items() if key not in (EVALUATION, HIL)]
    texts = {key: value for key, value in entries if "\n" in str(value)}
    lines = [f"provenance       {key}: {value}" for key, value in entries if key not in texts]
    for key, value in texts.items():
        told = f"\n{value}" if full else f" {len(str(value).splitlines())} lines; --full prints them"
        lines.append(f"provenance       {key}:{told}")
    return [*(f"results          {line}" for line in result_lines(document["provenance"])), *lines]


def _lines(document: dict[str, Any], contract: Contract) -> list[str]:
    action = contract.action
    unit = "N*m" if action.target == "effort" else "rad"
    lines = [
        f"{document['path']}: {document['bytes']} bytes",
        f"sha256           {document['sha256']}",
        f"contract sha256  {document['contract_sha256']}",
        f"robot sha256     {document['robot_sha256']}",
        f"task             {contract.task} at {contract.control_rate:g} Hz",
        f"robot            {contract.robot.name}",
    ]
    lines += [
        f"  {joint.name}: {joint.mode}, [{joint.position_min:.6g}, {joint.position_max:.6g}] rad, "
        f"{joint.velocity_max:g} rad/s, {joint.effort_max:g} N*m, default {joint.default_position:g} rad, "
        f"stiffness {joint.stiffness:g}, damping {joint.damping:g}"
        for joint in contract.robot.joints
    ]
    lines += [f"  IMU {imu.name}: on body {imu.body}, stale after {imu.stale_after:g} s" for imu in contract.robot.imus]
    lines += _tip_lines(contract.robot)
    lines.append(f"observation      {contract.observation_size} values")
    for term in contract.observation:
        clip = f", clip {term.clip:g}" if term.clip is not None else ""
        origin = f", of {term.provider.package} {term.provider.version}" if term.provider is not None else ""
        lines.append(f"  {term.term}: {term.width} x {term.history} ticks, scale {term.scale:g}{clip}{origin}")
    lines += [
        f"command          {command.name}: {command.low:g} to {command.high:g}, default {command.default:g}"
        for command in contract.commands
    ]
    if contract.phase_frequency is not None:
        lines.append(f"phase            {contract.phase_frequency:g} Hz")
    scale = ", ".join(f"{value:g}" for value in action.scale)
    offset = ", ".join(f"{value:g}" for value in action.offset)
    lines.append(
        f"action           {action.target}, scale {scale} {unit}, offset {offset} {unit}, clip {action.clip:g}, "
        f"smoothing {action.smoothing:g}{', relative to the last target' if action.relative else ''}"
    )
    lines.append(f"goal             {Goal(contract, 1).words}")
    return lines


def _tip_lines(robot: RobotSpec) -> list[str]:
    if robot.tip is None:
        return []
    lines = [
        f"  link {link.joint}: at {_numbers(link.position)} m, axis {_numbers(link.axis)}, "
        f"rotation {_numbers(link.rotation)}"
        for link in robot.tip.links
    ]
    return [*lines, f"  tip: at {_numbers(robot.tip.position)} m"]


def _numbers(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"
