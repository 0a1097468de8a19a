"""Settings to begin with, by environment and algorithm, from the shipped files of `configs/gymnasium/`."""

import re
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.configs.library import shipped
from sim2real.configs.load import load_gymnasium
from sim2real.configs.override import as_overrides
from sim2real.configs.schema.gymnasium import GymnasiumConfig
from sim2real.training.gymnasium.given import GivenEnvironment
from sim2real.training.gymnasium.registry import spec_of

PREFIX: Final = "gym/"
"""Before an id of Gymnasium's on the command line."""
DEFAULT_ALGORITHM: Final = "ppo"
_ANY: Final = "any"
_FAMILIES: Final = {"gymnasium.envs.mujoco": "mujoco", "gymnasium.envs.classic_control": "classic"}
"""Family of settings by the package that has the environment."""


def is_yaml(reference: str) -> bool:
    """Return whether a reference is a file in a folder `gym`, not an id."""
    return reference.endswith((".yaml", ".yml"))


def gym_config(name: str, algorithm: str, overrides: tuple[str, ...] = ()) -> GymnasiumConfig:
    """Return the settings of an id: those of the very task if there are any, else of its family, else any's.

    Args:
        name: The id.
        algorithm: Name of an algorithm, such as `ppo` or `td3`.
        overrides: Texts `key.path=value` on top of them.

    Raises:
        UserError: There is no such environment or no such algorithm, or an override is not valid.
    """
    spec = spec_of(name)
    entry = spec.entry_point if isinstance(spec.entry_point, str) else ""
    family = next((found for package, found in _FAMILIES.items() if entry.startswith(package)), _ANY)
    preset = _preset((spec.name.rpartition("/")[2].lower(), family, _ANY), algorithm)
    identity = (f"environment.id={name!r}", f"name={_identifier(name)}_{algorithm}", "description=''")
    return load_gymnasium(preset, as_overrides((*identity, *overrides)))


def given_config(given: GivenEnvironment, algorithm: str, overrides: tuple[str, ...] = ()) -> GymnasiumConfig:
    """Return the settings of an environment that is given from Python.

    One that cannot be made again is not evaluated during training.
    """
    identity = [f"name={_identifier(given.name)}_{algorithm}", "description=''"]
    identity += [] if given.is_maker else ["evaluation_every=null"]
    return load_gymnasium(_preset((_ANY,), algorithm), (*identity, *overrides))


def _preset(kinds: tuple[str, ...], algorithm: str) -> str:
    names = shipped("gymnasium")
    for kind in kinds:
        if (name := f"{kind}_{algorithm}") in names:
            return name
    valid = sorted(name.removeprefix(f"{_ANY}_") for name in names if name.startswith(f"{_ANY}_"))
    raise UserError(f"--algorithm {algorithm}: no settings of it for an environment; valid: {', '.join(valid)}")


def _identifier(text: str) -> str:
    """Return a name for files from an id."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text)[:48].strip("_")
    return name if name[:1].isalpha() else f"env_{name}"
