"""LeRobot data sets as LeRobot writes them: versions 2.1 and 3.0, by pyarrow alone."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


class Episode(NamedTuple):
    """The numbers of one episode as they are recorded."""

    state: np.ndarray
    """(n, S)"""
    action: np.ndarray
    """(n, A)"""


V21 = {
    "codebase_version": "v2.1",
    "total_chunks": 1,
    "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
}
V30 = {
    "codebase_version": "v3.0",
    "data_files_size_in_mb": 100,
    "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
}


def write_data_set(
    folder: Path,
    version: str,
    episodes: list[Episode],
    names: list[str],
    *,
    fps: int = 50,
    per_file: int = 2,
    chunk: int = 1000,
    listed: type = pa.FixedSizeListType,
    as_motors: bool = False,
    info: dict[str, Any] | None = None,
) -> Path:
    """Write a data set, of version 3.0 with so many episodes in a file; return its folder."""
    described: Any = {"motors": names} if as_motors else names
    feature = {"dtype": "float32", "shape": [len(names)], "names": described}
    single = {"shape": [1], "names": None}
    document = {
        **(V21 if version == "v2.1" else V30),
        "robot_type": "so101_follower",
        "total_episodes": len(episodes),
        "total_frames": sum(len(each.state) for each in episodes),
        "total_tasks": 1,
        "chunks_size": chunk,
        "fps": fps,
        "splits": {"train": f"0:{len(episodes)}"},
        "video_path": None,
        "features": {
            "action": feature,
            "observation.state": feature,
            "timestamp": {"dtype": "float32", **single},
            **{name: {"dtype": "int64", **single} for name in ("frame_index", "episode_index", "index", "task_index")},
        },
    }
    tables = [_table(index, each, fps, listed) for index, each in enumerate(episodes)]
    (folder / "meta").mkdir(parents=True)
    (folder / "meta" / "info.json").write_text(json.dumps(document | (info or {})))
    write = _write_v21 if version == "v2.1" else _write_v30
    write(folder, tables, document, per_file)
    return folder


def small_data_set(folder: Path, names: list[str], version: str = "v3.0", **more: Any) -> Path:
    """Write two episodes of five frames, degrees: joints go up and down, and follow their goals."""
    wave = np.linspace(-20.0, 20.0, 5 * len(names)).reshape(5, -1)
    return write_data_set(folder, version, [Episode(wave, wave + 1.0), Episode(-wave, 1.0 - wave)], names, **more)


def _table(index: int, episode: Episode, fps: int, listed: type) -> Any:
    n = len(episode.state)
    return pa.table(
        {
            "action": _lists(episode.action, listed),
            "observation.state": _lists(episode.state, listed),
            "timestamp": pa.array((np.arange(n) / fps).astype(np.float32)),
            "frame_index": np.arange(n),
            "episode_index": np.full(n, index),
            "index": np.arange(n),
            "task_index": np.zeros(n, np.int64),
        }
    )


def _lists(numbers: np.ndarray, listed: type) -> Any:
    rows = numbers.astype(np.float32)
    if rows.shape[1] == 1:  # one number is no list
        return pa.array(rows[:, 0])
    kind = pa.list_(pa.float32(), rows.shape[1] if listed is pa.FixedSizeListType else -1)
    return pa.array(list(rows), kind)


def _write_v21(folder: Path, tables: list[Any], document: dict[str, Any], _per_file: int) -> None:
    lines = []
    for index, table in enumerate(tables):
        place = {"episode_chunk": index // document["chunks_size"], "episode_index": index}
        path = folder / document["data_path"].format(**place)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
        lines.append(json.dumps({"episode_index": index, "tasks": ["hold"], "length": len(table)}))
    (folder / "meta" / "episodes.jsonl").write_text("\n".join(lines) + "\n")


def _write_v30(folder: Path, tables: list[Any], document: dict[str, Any], per_file: int) -> None:
    rows = []
    for number, begin in enumerate(range(0, len(tables), per_file)):
        place = {"chunk_index": number // document["chunks_size"], "file_index": number % document["chunks_size"]}
        path = folder / document["data_path"].format(**place)
        path.parent.mkdir(parents=True, exist_ok=True)
        group = tables[begin : begin + per_file]
        pq.write_table(pa.concat_tables(group), path)
        rows += [
            {
                "episode_index": begin + index,
                "tasks": ["hold"],
                "length": len(table),
                "data/chunk_index": place["chunk_index"],
                "data/file_index": place["file_index"],
            }
            for index, table in enumerate(group)
        ]
    path = folder / "meta" / "episodes" / "chunk-000" / "file-000.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
