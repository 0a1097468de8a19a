"""Writes a calibration to a robot YAML; comments, order and everything else in the file are kept."""

import glob
import math
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from sim2real.configs.errors import ConfigError
from sim2real.hardware.workbench.calibration import JointCalibration
from sim2real.hardware.workbench.whole_file import replace_file, write_new

_BACKUPS = 3
_WIDTH = 4096  # never re-fold lines


def write_calibration(
    source: Path,
    target: Path,
    joints: Mapping[str, JointCalibration],
    check: Callable[[Path], object] = lambda partial: None,
) -> Path | None:
    """Write `zero`, `direction` and `calibration` of joints to a robot YAML; the last three backups are kept.

    Args:
        source: The robot YAML.
        target: The file to write; may be the same.
        joints: The calibrations, by joint name.
        check: Called with the new file before it takes the place of the old one; an error leaves that as it was.

    Returns:
        Path of the backup of the previous target file; None if there was none.

    Raises:
        ConfigError: The file cannot be read or written, or does not list a joint.
    """
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = _WIDTH, True
    try:
        document = yaml.load(source.read_text(encoding="utf-8"))
        for name, found in joints.items():
            _set(_joint(document, name, source), found)
        text = StringIO()
        yaml.dump(document, text)
        backup = _replace(target, text.getvalue(), check)
    except YAMLError as error:
        raise ConfigError(f"{source}: {error}") from error
    except OSError as error:
        raise ConfigError(f"{target}: {error.strerror}") from error
    return backup


def _joint(document: object, name: str, source: Path) -> CommentedMap:
    joints = document.get("joints") if isinstance(document, CommentedMap) else None
    joint = joints.get(name) if isinstance(joints, CommentedMap) else None
    if not isinstance(joint, CommentedMap):
        raise ConfigError(f"{source}: the file has no mapping for joint {name!r} under `joints`")
    return joint


def _set(joint: CommentedMap, found: JointCalibration) -> None:
    joint["direction"] = found.direction
    joint["zero"] = f"{math.degrees(found.zero):.3f} deg"  # one step of a 4096-count encoder is 0.088°
    joint.pop("calibration", None)
    if found.settled is None:
        return
    block = CommentedMap(version=1, measured=datetime.now().astimezone().isoformat(timespec="seconds"))
    if found.settled.model_number is not None:
        block["model_number"] = found.settled.model_number
    if found.settled.serial_number:
        block["serial_number"] = found.settled.serial_number
    block["firmware"] = str(found.settled.firmware)
    block["registers"] = CommentedMap(
        {name: int(value) if value.is_integer() else value for name, value in found.settled.registers.items()}
    )
    # After `zero`: a key at the end of the mapping would come after the comments that lead to the next joint.
    joint.insert(list(joint).index("zero") + 1, "calibration", block)


def refuse_unwritable(target: Path) -> None:
    """Raise ConfigError if a robot YAML cannot be written there: before joints are measured for it."""
    folder = target.parent
    if not folder.is_dir():
        raise ConfigError(f"{target}: there is no folder {folder}")
    if target.is_dir() or not os.access(folder, os.W_OK):
        raise ConfigError(f"{target}: you may not write there")


def _replace(path: Path, text: str, check: Callable[[Path], object]) -> Path | None:
    """Write a text in place of a file, of which a backup is kept; the backups before the last three are removed."""
    before = path.read_text(encoding="utf-8") if path.exists() else None
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")
    backup = path.with_name(f"{path.name}.{stamp}.bak")

    def keep(partial: Path) -> None:
        check(partial)
        if before is not None:
            write_new(backup, before)

    replace_file(path, text, keep)
    for old in sorted(path.parent.glob(f"{glob.escape(path.name)}.*.bak"))[:-_BACKUPS]:
        old.unlink()
    return None if before is None else backup
