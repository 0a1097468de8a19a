"""Gymnasium's registry: an id is there, or the closest valid one is named."""

import difflib
import importlib
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec

from sim2real.configs.errors import UserError
from sim2real.training.gymnasium.foreign_code import running


def spec_of(name: str) -> EnvSpec:
    """Return what the registry says of an id, exactly as it is written.

    Args:
        name: `HalfCheetah-v5`, or `package.module:ID-v0`, whose module is imported first.

    Raises:
        UserError: No such id, or no such module; the message names the closest.
    """
    module, _, found = name.rpartition(":")
    if module:
        with running(f"gym/{name}", f"importing {module}"):
            try:
                importlib.import_module(module)
            except ImportError as error:
                raise UserError(f"gym/{name}: the module {module} cannot be imported: {error}") from error
    if found in gymnasium.registry:
        return gymnasium.registry[found]
    valid = sorted(each for each in gymnasium.registry if not each.startswith("sim2real/"))
    close = difflib.get_close_matches(found, valid, n=1, cutoff=0.3)
    newest = max((each for each in valid if each.rpartition("-v")[0] == found), default=None)
    hint = newest or (close[0] if close else None)
    raise UserError(
        f"gym/{name}: Gymnasium knows no such environment"
        + (f"; did you mean gym/{hint}?" if hint else "")
        + "; an environment of another package is module:ID, as in gym/my_package.envs:Mine-v0"
    )


def made(name: str, **arguments: Any) -> gymnasium.Env[Any, Any]:  # noqa: ANN401 - arguments of any constructor
    """Return one environment of an id.

    Raises:
        UserError: It cannot be made: an argument is wrong, a package is missing, or its constructor fails.
    """
    with running(f"gym/{name}", "making it"):
        try:
            return gymnasium.make(name, **arguments)
        except (gymnasium.error.Error, ImportError, TypeError, ValueError) as error:
            first = str(error).strip().partition("\n")[0]
            raise UserError(f"gym/{name}: cannot be made: {first}") from error
