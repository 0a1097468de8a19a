"""Writes a calibration to a robot YAML; comments, order and everything else in the file are kept."""

import glob
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from sim2real.configs.errors import ConfigError
from sim2real.hardware.workbench.calibration import JointCalibration

_BACKUPS = 3
_WIDTH = 4096  # never re-fold lines


def write_calibration(source: Path, target: Path, joints: Mapping[str, JointCalibration]) -> Path | None:
    """Write `zero`, `direction` and `calibration` of joints to a robot YAML; the last three backups are kept.

    Args:
        source: The robot YAML.
        target: The file to write; may be the same.
        joints: The calibrations, by joint name.

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
        backup = _back_up(target)
        partial = target.with_name(target.name + ".part")
        with partial.open("w", encoding="utf-8") as file:
            yaml.dump(document, file)
        partial.replace(target)
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


def _back_up(path: Path) -> Path | None:
    if not path.exists():
        return None
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")
    backup = path.with_name(f"{path.name}.{stamp}.bak")
    backup.write_bytes(path.read_bytes())
    for old in sorted(path.parent.glob(f"{glob.escape(path.name)}.*.bak"))[:-_BACKUPS]:
        old.unlink()
    return backup
