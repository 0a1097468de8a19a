"""Columns of Parquet files as arrays, by pyarrow: an optional package, imported when the first file is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.regular_file import open_regular
from sim2real.hardware.types import Float64Array
from sim2real.training.demonstrations.demonstrations import STEPS_MAX

_BYTES_MAX: Final = 16 << 30
"""Of a file, unpacked: what is read of it is held in memory."""


def require_pyarrow(path: Path) -> None:
    """Refuse what only pyarrow can read where it is not installed. Raises UserError."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"{path}: to read a LeRobot data set needs another package; valid: pip install 'sim2real[lerobot]'"
        ) from error


def read_columns(path: Path, widths: Mapping[str, int]) -> dict[str, Float64Array]:
    """Return numeric columns of a Parquet file; none of the others is read.

    Args:
        path: The file.
        widths: Numbers in each row of each column; one number may be stored as it is, or as a list of one.

    Returns:
        The columns by name, (rows, width) each. Numbers may be NaN or infinite.

    Raises:
        UserError: pyarrow is not installed; or the file is missing, cut off, damaged, or too large, has no such column,
            or the column something else in a row.
    """
    require_pyarrow(path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_regular(path) as file:
            found = pq.ParquetFile(file)
            names = found.schema_arrow.names
            if (missing := next((name for name in widths if name not in names), None)) is not None:
                raise UserError(f"{path}: there is no column {missing!r}; there are: {', '.join(names) or 'none'}")
            _check_size(found.metadata)
            table = found.read(columns=list(widths), use_threads=False)
        return {name: _array(table.column(name).combine_chunks(), width, name) for name, width in widths.items()}
    except OSError as error:  # pyarrow raises it as well, without `strerror`
        if error.strerror is None:
            raise UserError(f"{path}: no Parquet file, cut off or damaged: {_line(error)}") from error
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except (pa.ArrowException, ValueError, KeyError, MemoryError) as error:
        raise UserError(f"{path}: no Parquet file, cut off or damaged: {_line(error)}") from error


def _check_size(metadata: Any) -> None:  # noqa: ANN401 - of pyarrow, which may be missing
    """Refuse what would not fit into memory, before it is unpacked. Raises ValueError.

    The columns are not asked: where their description is damaged, pyarrow 26 ends the program.
    """
    rows = metadata.num_rows
    if not rows <= STEPS_MAX:
        raise ValueError(f"{rows} rows; valid: up to {STEPS_MAX}")
    size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if not size <= _BYTES_MAX:
        raise ValueError(f"{size} bytes unpacked; valid: up to {_BYTES_MAX}")


def _array(column: Any, width: int, name: str) -> Float64Array:  # noqa: ANN401 - of pyarrow, which may be missing
    """Return a column as (rows, width). Raises ValueError."""
    import pyarrow as pa

    rows, kind = len(column), column.type
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not listed and width != 1:
        raise ValueError(f"column {name!r} is of {kind}; valid: lists of {width} numbers")
    if column.null_count:
        raise ValueError(f"column {name!r} has no value in {column.null_count} rows")
    numbers = column.flatten() if listed else column
    if not (pa.types.is_floating(numbers.type) or pa.types.is_integer(numbers.type)):
        raise ValueError(f"column {name!r} is of {kind}; valid: numbers")
    if numbers.null_count:
        raise ValueError(f"column {name!r} lacks {numbers.null_count} numbers")
    if listed:
        lengths = np.diff(np.asarray(column.offsets)) if hasattr(column, "offsets") else np.array([kind.list_size])
        if not (lengths == width).all():
            raise ValueError(f"column {name!r} has a list of {lengths[lengths != width][0]} numbers; valid: {width}")
    with np.errstate(invalid="ignore"):  # of a NaN that signals
        return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64).reshape(rows, width)


def _line(error: BaseException) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__
