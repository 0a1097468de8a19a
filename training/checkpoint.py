"""Checkpoints: one file of tensors and plain data, written atomically and loaded without executing code."""

import contextlib
import io
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from sim2real.configs.errors import UserError

FORMAT: Final = 2
_ARRAY_KEY: Final = "__numpy__"


@dataclass(frozen=True)
class Checkpoint:
    """State needed to resume a run bit for bit."""

    experiment: str
    """YAML text of the experiment with its references spliced in."""
    contract: str
    """Canonical JSON of the contract."""
    iteration: int
    steps: int
    seconds: float
    """Training time so far, s."""
    policy: dict[str, Any]
    algorithm: dict[str, Any]
    environment: dict[str, Any]
    modules: dict[str, str] = field(default_factory=dict)
    """Texts of the task's modules, by the names of the files in which the run keeps them."""
    model: dict[str, Any] = field(default_factory=dict)
    """Which model the run keeps, with digests; empty in a checkpoint from before runs kept it."""
    origin: dict[str, str] = field(default_factory=dict)
    """Which policy the run began from; empty where it began from nothing."""
    best: dict[str, float] = field(default_factory=dict)
    """Return and steps of the best evaluation so far; empty before the first."""


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint atomically: a full disk does not damage older checkpoints.

    Raises:
        UserError: The file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **_without_arrays(vars(checkpoint))}, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint with `weights_only=True`: tensors and plain data, no code.

    Raises:
        UserError: The file is missing, cut off or damaged, or has another format.
    """
    try:
        _check_sums(path)
        data = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such checkpoint") from error
    except Exception as error:  # a damaged file fails anywhere in torch's reader
        raise UserError(f"{path}: not a readable checkpoint: cut off or damaged ({type(error).__name__})") from error
    found = data.pop("format", None) if isinstance(data, dict) else None
    if found != FORMAT:
        raise UserError(
            f"{path}: a checkpoint of format {found}, but this version reads format {FORMAT}; train again"
            if isinstance(found, int)
            else f"{path}: not a checkpoint of format {FORMAT}"
        )
    try:
        return Checkpoint(**_with_arrays(data))
    except TypeError as error:
        raise UserError(f"{path}: not a checkpoint of format {FORMAT}: {error}") from error


def _check_sums(path: Path) -> None:
    """Raise BadZipFile if a byte of an archive is not what was written: torch's reader does not look."""
    if path.stat().st_size and zipfile.is_zipfile(path):  # anything else is refused by torch's reader
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(damaged)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a temporary file in the same folder, flush it to disk, and rename it. Raises UserError."""
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def _without_arrays(value: Any) -> Any:  # noqa: ANN401 - any plain data
    """Replace numpy arrays by tensors, which torch's safe loader accepts."""
    if isinstance(value, np.ndarray):
        return {_ARRAY_KEY: torch.from_numpy(np.ascontiguousarray(value).copy())}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Tensor):
        return value.cpu()
    if isinstance(value, dict):
        return {key: _without_arrays(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_arrays(item) for item in value)
    return value


def _with_arrays(value: Any) -> Any:  # noqa: ANN401 - any plain data
    """Undo `_without_arrays`."""
    if isinstance(value, dict):
        if value.keys() == {_ARRAY_KEY}:
            return value[_ARRAY_KEY].numpy()
        return {key: _with_arrays(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_arrays(item) for item in value)
    return value
