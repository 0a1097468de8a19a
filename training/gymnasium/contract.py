"""What a policy for a Gymnasium environment observes and does: in its ONNX file, in place of a robot's contract."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.manifest import ENVIRONMENT_KEY, PROVENANCE_KEY
from sim2real.training.environment_interface import Environment
from sim2real.training.gymnasium.spaces import action_map

_Numbers = Annotated[tuple[float, ...], Field(strict=False)]
_Shape = Annotated[tuple[int, ...], Field(strict=False)]


class GymnasiumContract(BaseModel):
    """Spaces of the environment, and how the policy's inputs and outputs belong to them.

    The input is the observation, flattened in C order to float32. The output, clipped to ±1, is the action:
    (1 − s)·low + s·high with s = (output + 1)/2, in C order of the action's shape. For discrete actions, the output is
    the action itself, a whole number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: Literal[1] = 1
    environment: str
    """Id in Gymnasium's registry, or a name."""
    observation_shape: _Shape
    observation_dtype: str
    action_shape: _Shape
    action_dtype: str
    action_low: _Numbers
    action_high: _Numbers
    action_count: int | None = None
    """Number of discrete actions; None for continuous ones."""

    @property
    def sizes(self) -> tuple[int, int]:
        """O and A."""
        size = 1
        for length in self.observation_shape:
            size *= length
        return size, len(self.action_low)

    def metadata(self, provenance: Mapping[str, str]) -> dict[str, str]:
        """Return the entries of the ONNX file."""
        return {ENVIRONMENT_KEY: self.model_dump_json(), PROVENANCE_KEY: json.dumps(dict(provenance))}

    def changed(self, other: "GymnasiumContract") -> list[str]:
        """Return in what another environment differs for a policy; not by its name."""
        mine, theirs = self.model_dump(), other.model_dump()
        return [name for name in mine if name != "environment" and mine[name] != theirs[name]]


def contract_of(environment: Environment, name: str) -> GymnasiumContract:
    """Return the contract of an environment with Gymnasium's spaces.

    Args:
        environment: Our adapter, or one of our own batches of Gymnasium's tasks.
        name: Its id.
    """
    source: Any = getattr(environment, "env", environment)
    observation, action = source.single_observation_space, source.single_action_space
    actions = action_map(action)
    return GymnasiumContract(
        environment=name,
        observation_shape=observation.shape,
        observation_dtype=str(observation.dtype),
        action_shape=action.shape,
        action_dtype=str(action.dtype),
        action_low=tuple(float(value) for value in actions.low.ravel()),
        action_high=tuple(float(value) for value in actions.high.ravel()),
        action_count=None if actions.choices is None else len(actions.choices),
    )


def read_contract(text: str, place: object) -> GymnasiumContract:
    """Return a contract from its JSON text. Raises UserError."""
    try:
        return GymnasiumContract.model_validate_json(text)
    except ValidationError as error:
        raise UserError(f"{place}: the policy's environment is not described validly; train again") from error
