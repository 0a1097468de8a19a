"""URDF files whose meshes are in packages, as MJCF whose meshes are paths."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sim2real.configs.errors import ConfigError
from sim2real.model.compilation import one_line, read_spec

_PACKAGE: Final = "package://"
_VARIABLE: Final = "ROS_PACKAGE_PATH"


def names_packages(path: Path) -> bool:
    """Return whether a model is a URDF with files in packages."""
    try:
        return path.suffix.lower() == ".urdf" and _PACKAGE in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False  # what reads it next says so


def as_mjcf(path: Path, output: Path, packages: Sequence[Path]) -> str:
    """Return a URDF as MJCF; writes no file.

    `package://NAME/FILE` is looked for in the folders that are given, then in the URDF's own folder and those above it,
    then in those of ROS_PACKAGE_PATH: the folder is the package NAME itself, or has it.

    Args:
        path: The URDF.
        output: Path of the future MJCF; the paths of meshes are relative to its folder.
        packages: Folders to look in first.

    Raises:
        ConfigError: MuJoCo does not read it, or a file is in none of these folders.
    """
    try:
        spec = read_spec(path)
        for mesh in spec.meshes:
            if mesh.file.startswith(_PACKAGE):
                found = _find(path, mesh.file, packages)
                mesh.file = os.path.relpath(found, output.resolve().parent)
        spec.meshdir, spec.modelfiledir = "", str(output.resolve().parent)
        spec.compile()  # MuJoCo writes what has been compiled
        return str(spec.to_xml())
    except ValueError as error:
        raise ConfigError(f"{path}: MuJoCo does not compile it: {one_line(error)}") from error


def _find(path: Path, uri: str, packages: Sequence[Path]) -> Path:
    name, _, rest = uri.removeprefix(_PACKAGE).partition("/")
    looked = list(_folders(path, packages))
    for folder in looked:
        for place in (folder / name / rest, folder / rest if folder.name == name else None):
            if place is not None and place.is_file():
                return place.resolve()
    given = ", ".join(map(str, packages)) or "none"
    raise ConfigError(
        f"{path}: {uri}: not found in the folders of --package ({given}), beside the file and above it, and in "
        f"{_VARIABLE}; valid: --package FOLDER, where the folder is the package {name!r} or has it"
    )


def _folders(path: Path, packages: Sequence[Path]) -> Iterator[Path]:
    yield from (package.resolve() for package in packages)
    yield from path.resolve().parents
    yield from (Path(part) for part in os.environ.get(_VARIABLE, "").split(os.pathsep) if part)
