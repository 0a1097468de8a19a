"""The copy of a robot's model in a run: it is resumed, evaluated and exported with the model that it was trained with.

The MJCF and every file that it reads (includes, meshes, textures) are in `model/` of the run folder. Every checkpoint
and exported policy has the digest of each.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import mujoco

from sim2real.configs.command_outcome import error_console
from sim2real.configs.errors import UserError
from sim2real.configs.library import ROOT
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.robot import RobotConfig
from sim2real.model.compilation import read_spec

FOLDER: Final = "model"
"""Folder of the model in a run."""

_SHOWN: Final = 12  # digits of a digest that tell two files apart


@dataclass(frozen=True)
class ModelRecord:
    """Which model a policy was trained with."""

    source: str
    """The MJCF as the experiment named it: an absolute path, or the name of a shipped one."""
    file: str
    """The MJCF, relative to the folder that has all files."""
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256, hex digits, by path relative to the same folder; absolute where the MJCF itself names it so."""
    from_run: str = ""
    """Way from the run's folder to the original, where that is a user's: the two may be moved together."""

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "ModelRecord | None":
        """Return the record of plain data; None for a run or a policy from before there were any."""
        return cls(**document) if document else None

    @property
    def is_shipped(self) -> bool:
        """Whether it is a model of this package."""
        return not Path(self.source).is_absolute()

    def origin(self, folder: Path) -> Path:
        """Return where the original MJCF is: moved together with the run in `folder`, or where it was."""
        moved = Path(os.path.normpath(folder / self.from_run))
        return moved if self.from_run and moved.is_file() else ROOT / "robots" / self.source

    def changed(self, model: Path) -> str | None:
        """Return what of a model is not as recorded, in one line, or None if nothing is.

        Args:
            model: Its MJCF; the other files lie beside it as they did.
        """
        base = Path(os.path.normpath(model))
        for _ in Path(self.file).parts:
            base = base.parent
        for name, recorded in sorted(self.files.items(), key=lambda entry: entry[0] != self.file):
            path = base / name
            if not path.is_file():
                return f"{path} is missing"
            found = _digest(path)
            if found != recorded:
                return (
                    f"{path} is not what the policy was trained with: its sha256 begins with {found[:_SHOWN]}, not "
                    f"{recorded[:_SHOWN]}"
                )
        return None


def record_of(robot: RobotConfig) -> ModelRecord:
    """Return the record of a robot's model as it is now.

    Raises:
        UserError: The MJCF or a file that it reads is missing.
    """
    base, inside, outside = _files(robot)
    main = Path(os.path.normpath(ROOT / "robots" / robot.simulated))
    try:
        digests = {str(path.relative_to(base)): _digest(path) for path in inside}
        digests |= {str(path): _digest(path) for path in outside}
    except OSError as error:
        raise UserError(f"{main}: {error.filename}: cannot be read: {error.strerror}") from error
    return ModelRecord(robot.simulated, str(main.relative_to(base)), digests)


def keep_model(folder: Path, robot: RobotConfig) -> ModelRecord:
    """Copy a robot's model into a run folder; return its record, of the copies.

    Raises:
        UserError: A file is missing, or cannot be written.
    """
    record = replace(record_of(robot), from_run=_way(folder, robot.simulated))
    base, inside, _ = _files(robot)
    for path in inside:
        copy = folder / FOLDER / path.relative_to(base)
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        except OSError as error:
            raise UserError(f"{copy}: cannot be written: {error.strerror}") from error
    if changed := record.changed(folder / FOLDER / record.file):
        raise UserError(f"{robot.model}: changed while it was copied: {changed}; begin again")
    return record


def as_kept_model(experiment: ExperimentConfig, record: ModelRecord) -> ExperimentConfig:
    """Return an experiment as a run writes it: with its copy of a user's model, by a relative path."""
    return experiment if record.is_shipped else _with(experiment, f"{FOLDER}/{record.file}")


def as_trained_model(experiment: ExperimentConfig, record: ModelRecord) -> ExperimentConfig:
    """Return an experiment with the model as it was named when training began."""
    return _with(experiment, record.source)


def located_model(experiment: ExperimentConfig, record: ModelRecord | None, path: Path) -> ExperimentConfig:
    """Return an experiment whose model is the one that it was trained with, wherever that is now.

    It is the copy in the run's folder, or beside a policy; else the original, if that is unchanged, where it was or
    beside the policy. An experiment with another model, which an override named, is returned as it is.

    Args:
        experiment: As a run or an exported policy has it.
        record: Of the run or the policy; None for one from before there were any.
        path: Folder of the run, or file of the policy.

    Raises:
        UserError: The copy was changed, or there is none and the original is missing or was changed.
    """
    if record is None or experiment.task.robot.model not in (record.source, f"{FOLDER}/{record.file}"):
        return experiment
    folder = (path if path.is_dir() else path.parent).absolute()
    copy, beside = folder / FOLDER / record.file, folder / record.file
    origin = record.origin(folder)
    here, there = record.changed(copy), record.changed(origin)
    if record.is_shipped and there is None:
        return as_trained_model(experiment, record)
    if here is None:
        if there is not None and origin.is_file():
            error_console().print(f"note: {there}; {path} has its own copy and uses that: {copy}", markup=False)
        return _with(experiment, str(copy))
    if path.is_dir() and copy.exists():
        cure = f"put the recorded file back, or delete {folder / FOLDER} to use {origin}"
        raise UserError(f"{path}: {here}; {cure}")
    if there is None:
        return _with(experiment, str(origin))
    if record.changed(beside) is None:
        return _with(experiment, str(beside))
    cure = f"put the recorded file back, or a copy of the run's folder {FOLDER}/ beside the policy"
    raise UserError(f"{path}: {there}; {cure}, or name another model with --set task.robot.model=PATH")


def _way(folder: Path, model: str) -> str:
    """Return the way from a run's folder to a user's model; empty for a shipped one."""
    return os.path.relpath(model, folder.absolute()) if Path(model).is_absolute() else ""


def _with(experiment: ExperimentConfig, model: str) -> ExperimentConfig:
    robot = experiment.task.robot.model_copy(update={"model": model})
    return experiment.model_copy(update={"task": experiment.task.model_copy(update={"robot": robot})})


def _files(robot: RobotConfig) -> tuple[Path, list[Path], list[Path]]:
    """Return the folder that has the files of a model, these files, and those that the MJCF names absolutely.

    Raises:
        UserError: The MJCF is missing or invalid.
    """
    main = Path(os.path.normpath(ROOT / "robots" / robot.simulated))
    if not main.is_file():
        raise UserError(f"robot {robot.name!r}: model file {main} does not exist")
    try:
        # Of a relative path, MuJoCo returns relative what the MJCF names relative to itself.
        named = mujoco.mju_getXMLDependencies(os.path.relpath(main))
        spec = read_spec(main)
    except ValueError as error:
        raise UserError(f"{main}: not a valid MuJoCo model: {str(error).splitlines()[0]}") from error
    outside = {Path(name) for name in named if os.path.isabs(name)}
    inside = {Path(os.path.abspath(name)) for name in named if not os.path.isabs(name)}
    # MuJoCo lists what an MJCF reads; of a URDF, only its own parser knows.
    for asset, where in (*((mesh, spec.meshdir) for mesh in spec.meshes), *((h, spec.meshdir) for h in spec.hfields)):
        path = Path(os.path.normpath(main.parent / where / asset.file))
        if asset.file and path not in outside and path.is_file():
            inside.add(path)
    base = Path(os.path.commonpath([path.parent for path in inside]))
    return base, sorted(inside), sorted(outside)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
