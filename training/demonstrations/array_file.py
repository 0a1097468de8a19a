"""Demonstrations as arrays in an `.npz` file: what any other program can write.

observation  (n, O) float32   what the policy saw, as the contract computes it
action       (n, A) float32   what was done then, in units of the action's clip
begins       (n,) bool        whether an episode begins with this step; optional: the file is one episode
contract     text             canonical JSON of the contract; required for a robot's task
"""

import io
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Final
from zipfile import BadZipFile, ZipFile

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.regular_file import open_regular
from sim2real.runtime.contract.manifest import ContractError, read_contract
from sim2real.training.checkpoint import write_atomically
from sim2real.training.demonstrations.demonstrations import Demonstrations

SUFFIX: Final = ".npz"
_BYTES_MAX: Final = 16 << 30
"""Of all arrays of a file, unpacked: they are held in memory."""
_REQUIRED: Final = ("observation", "action")
_NAMES: Final = (*_REQUIRED, "begins", "contract")


def read_arrays(path: Path) -> Demonstrations:
    """Read an `.npz` file.

    Raises:
        UserError: It cannot be read, is cut off, an array is missing, unknown or of another kind, or its contract is
            not valid here; also as `Demonstrations`.
    """
    try:
        with open_regular(path) as file:
            arrays = _arrays(file)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError, EOFError, BadZipFile, zlib.error, NotImplementedError) as error:
        raise UserError(f"{path}: no arrays of demonstrations, or cut off: {error}") from error
    missing = [name for name in _REQUIRED if name not in arrays]
    unknown = [name for name in arrays if name not in _NAMES]
    if missing or unknown:
        what = f"{missing[0]!r} is missing" if missing else f"{unknown[0]!r} is not known"
        raise UserError(f"{path}: {what}; valid: observation, action, and begins and contract beside them")
    begins = arrays.get("begins")
    if begins is None:
        begins = np.zeros(len(np.atleast_1d(arrays["action"])), np.bool_)
        begins[:1] = True
    contract = arrays.get("contract")
    for name, values, kinds in (
        *((name, arrays[name], "fiu") for name in _REQUIRED),
        ("begins", begins, "b"),
        *((("contract", contract, "U"),) if contract is not None else ()),
    ):
        if values.dtype.kind not in kinds:
            wanted = {"fiu": "numbers", "b": "bool", "U": "text"}[kinds]
            raise UserError(f"{path}: {name} is of {values.dtype}; valid: {wanted}")
    try:
        return Demonstrations(
            str(path),
            arrays["observation"].astype(np.float32),
            arrays["action"].astype(np.float32),
            begins,
            None if contract is None else read_contract(str(contract)),
        )
    except ContractError as error:
        raise UserError(f"{path}: {error}") from error


def check_name(path: Path) -> Path:
    """Return the path of a file to be written. Raises UserError for another suffix, or where there is no folder."""
    if path.suffix != SUFFIX:
        raise UserError(f"{path}: valid: a name that ends in {SUFFIX}")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}")
    return path


def write_arrays(demonstrations: Demonstrations, path: Path) -> None:
    """Write an `.npz` file that `read_arrays` reads, whole or not at all. Raises UserError if it cannot be written."""
    contract = demonstrations.contract
    arrays: dict[str, Any] = {
        "observation": demonstrations.observation,
        "action": demonstrations.action,
        "begins": demonstrations.begins,
    }
    if contract is not None:
        arrays["contract"] = np.array(contract.without_ranges().model_dump_json())
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomically(path, buffer.getvalue())


def _arrays(file: BinaryIO) -> dict[str, Any]:
    """Return the arrays by name. Raises ValueError where they are too large, and what numpy and zipfile raise."""
    with ZipFile(file) as packed:
        size = sum(entry.file_size for entry in packed.infolist())
    if not size <= _BYTES_MAX:
        raise ValueError(f"{size} bytes unpacked; valid: up to {_BYTES_MAX}")
    file.seek(0)
    with np.load(file, allow_pickle=False) as data:
        return {name: data[name] for name in data.files}
