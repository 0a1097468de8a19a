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

    @property
    def names(self) -> tuple[str, ...]:
        """Return the name of each scenario; of a file that cannot be read, the file's."""
        return tuple(_name(path) for path in self.paths)


def find_scenarios(references: Sequence[str]) -> ScenarioFiles:
    """Return the files of scenarios.

    Args:
        references: Shipped names, YAML files, or folders, which are searched with all folders in them.

    Raises:
        UserError: There is no such file or name, a folder holds no scenario, or two have the same name: logs, results
            and what a failure leaves go by it.
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
    files = ScenarioFiles(tuple({path.resolve(): path for path in paths}.values()), tuple(others))
    _refuse_same_names(files)
    return files


def _refuse_same_names(files: ScenarioFiles) -> None:
    first: dict[str, Path] = {}
    for path, name in zip(files.paths, files.names, strict=True):
        if (before := first.setdefault(name, path)) is not path:
            raise UserError(
                f"two scenarios are named {name!r}: {before} and {path}; results and what a failure leaves go by the "
                "name: give each its own"
            )


def _name(path: Path) -> str:
    try:
        name = read_yaml(path).data.get("name")
    except UserError:
        return path.stem
    return name if isinstance(name, str) else path.stem


def _may_be_scenario(path: Path) -> bool:
    """Tell whether a file is a scenario. One that is no mapping in YAML may be: who runs it says what is wrong."""
    try:
        return "expect" in read_yaml(path).data
    except UserError:
        return True
