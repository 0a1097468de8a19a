"""The contract inside the ONNX file: written to and read from the model's metadata at full precision."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.part import Part, digest_of, first_problem
from sim2real.runtime.contract.provider import ProviderError
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.runtime.contract.spec import Contract

CONTRACT_KEY = "sim2real.contract"
CONTRACT_DIGEST_KEY = "sim2real.contract_sha256"
ROBOT_DIGEST_KEY = "sim2real.robot_sha256"
PROVENANCE_KEY = "sim2real.provenance"
ENVIRONMENT_KEY = "sim2real.gymnasium"
"""In place of a contract: the spaces of the Gymnasium environment that a policy is for, as JSON."""

PRIVILEGED_KEY = "sim2real.privileged"
"""In place of a contract: the privileged values that a policy sees beside its observation, their terms by name."""

_CONTRACT_CHARACTERS_MAX = 1_000_000  # a hundred joints need a tenth of it


class ContractError(UserError):
    """A model's contract is missing, malformed, or not the robot's."""


def to_metadata(contract: Contract, provenance: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata entries of a model; floats are written so that reading gives the same bits."""
    return {
        CONTRACT_KEY: contract.model_dump_json(),
        CONTRACT_DIGEST_KEY: contract.digest(),
        ROBOT_DIGEST_KEY: digest_of(contract.robot),
        PROVENANCE_KEY: provenance_text(provenance),
    }


def provenance_text(provenance: Mapping[str, str]) -> str:
    """Return where a model comes from as its entry in the metadata."""
    return json.dumps(dict(provenance))


def from_metadata(metadata: Mapping[str, str]) -> tuple[Contract, dict[str, str]]:
    """Read the contract and the provenance from a model's metadata.

    Raises:
        ContractError: An entry is missing or malformed, or a digest does not match what it covers.
    """
    required = (CONTRACT_KEY, CONTRACT_DIGEST_KEY, ROBOT_DIGEST_KEY, PROVENANCE_KEY)
    if ENVIRONMENT_KEY in metadata and CONTRACT_KEY not in metadata:
        raise ContractError(
            f"the policy is for the Gymnasium environment {environment_of(metadata)}, and for no robot; "
            "valid here: a policy of a robot's task"
        )
    if PRIVILEGED_KEY in metadata and CONTRACT_KEY not in metadata:
        raise ContractError(
            f"the policy sees privileged values ({metadata[PRIVILEGED_KEY]}), which no robot measures; "
            "valid here: a student of it, by `dagger`"
        )
    missing = [key for key in required if key not in metadata]
    if missing:
        raise ContractError(
            f"the model carries no contract: metadata {', '.join(missing)} missing; export it with sim2real"
        )
    contract = read_contract(metadata[CONTRACT_KEY])
    try:
        provenance = json.loads(metadata[PROVENANCE_KEY])
    except (ValueError, RecursionError) as error:
        raise ContractError("the model's provenance is not valid JSON") from error
    if not (isinstance(provenance, dict) and all(isinstance(value, str) for value in provenance.values())):
        raise ContractError("the model's provenance is not a mapping of text to text")
    if metadata[CONTRACT_DIGEST_KEY] != contract.digest() or metadata[ROBOT_DIGEST_KEY] != digest_of(contract.robot):
        raise ContractError("the model's contract does not match its digest: the metadata was changed after export")
    return contract, provenance


def environment_of(metadata: Mapping[str, str]) -> str | None:
    """Return the name of the Gymnasium environment that a policy is for; None if it is for none."""
    try:
        return str(json.loads(metadata[ENVIRONMENT_KEY])["environment"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def read_contract(text: str) -> Contract:
    """Return the contract of a policy from its JSON text.

    Raises:
        ContractError: The text is no contract, or a package that computes a term is not installed as it names it.
    """
    if len(text) > _CONTRACT_CHARACTERS_MAX:
        raise ContractError(f"the model's contract is longer than {_CONTRACT_CHARACTERS_MAX} characters")
    try:
        return Contract.model_validate_json(text)
    except ValidationError as error:
        provider = error.errors(include_url=False)[0].get("ctx", {}).get("error")
        if isinstance(provider, ProviderError):
            raise ContractError(str(provider)) from provider
        raise ContractError(f"the model's contract is not valid: {first_problem(error)}") from error


def differences(model: RobotSpec, robot: RobotSpec) -> list[str]:
    """Return where two robots differ, as `joints.pivot.effort_max: model 0.5, robot 0.4`; empty when equal.

    The safety envelopes may differ: the policy sees nothing of them, and the tighter of both holds.
    """
    theirs, ours = _flat(model), _flat(robot)
    order = list(dict.fromkeys([*ours, *theirs]))
    return [
        f"{key}: model {theirs.get(key, 'missing')}, robot {ours.get(key, 'missing')}"
        for key in order
        if key not in theirs or key not in ours or theirs[key] != ours[key]
    ]


def _flat(robot: RobotSpec) -> dict[str, Any]:
    names = [joint.name for joint in robot.joints]
    flat: dict[str, Any] = {"name": robot.name, "joints": names}
    for joint in robot.joints:
        flat.update(_fields(f"joints.{joint.name}", joint))
    for imu in robot.imus:
        flat.update(_fields(f"imus.{imu.name}", imu))
    if robot.tip is not None:
        for index, link in enumerate(robot.tip.links):
            flat.update(_fields(f"tip.links.{index}", link))
        flat["tip.position"] = robot.tip.position
    return flat


def _fields(prefix: str, part: Part) -> dict[str, Any]:
    return {f"{prefix}.{key}": value for key, value in part.model_dump(exclude={"name"}).items()}
