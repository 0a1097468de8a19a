"""The scenarios that a command line names: shipped names, files, and folders of files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim2real.configs.config_reference import find_given
from sim2real.configs.errors import UserError
from sim2real.configs.library import ROOT
from sim2real.configs.schema.scenario import ScenarioConfig
from sim2real.configs.yaml_source import read_yaml

SHIPPED = ROOT / "scenarios"
"""Folder of the shipped scenarios."""

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class ScenarioFiles:
    """What was found."""

    paths: tuple[Path, ...]
    """One file a scenario; those of a folder in the order of their names, with files that cannot be read."""
    others: tuple[Path, ...] = ()
    """YAML files in the folders that are no scenarios: they have no key `expect`."""


def find_scenarios(references: Sequence[str]) -> ScenarioFiles:
    """Return the files of scenarios.

    Args:
        references: Shipped names, YAML files, or folders, which are searched with all folders in them.

    Raises:
        UserError: There is no such file or name, or a folder holds no scenario.
    """
    paths: list[Path] = []
    others: list[Path] = []
    for reference in references:
        folder = Path(reference)
        if not folder.is_dir():
            paths.append(find_given("scenarios", reference, ScenarioConfig))
            continue
        found = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file())
        scenarios = [path for path in found if _may_be_scenario(path)]
        if not scenarios:
            raise UserError(f"{folder}: no scenario in this folder: no YAML file with a key `expect`")
        others += [path for path in found if path not in scenarios]
        paths += scenarios
    return ScenarioFiles(tuple(dict.fromkeys(paths)), tuple(others))


def _may_be_scenario(path: Path) -> bool:
    """Tell whether a file is a scenario. One that is no mapping in YAML may be: who runs it says what is wrong."""
    try:
        return "expect" in read_yaml(path).data
    except UserError:
        return True
