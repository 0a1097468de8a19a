"""An MP4 file, written frame by frame."""

import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.rendering.camera import Frame

FPS: Final = 30
_ENCODED_BLOCK: Final = 16  # pixels; H.264 needs sizes that are multiples of its block


class VideoFile:
    """An MP4 file written frame by frame; an exception inside the `with` block leaves no file."""

    def __init__(self, path: Path, fps: float) -> None:
        import imageio_ffmpeg

        self._path, self._fps = path, fps
        self._temporary = path.with_suffix(".part.mp4")
        self._write_frames = imageio_ffmpeg.write_frames
        self._writer: Any = None

    def __enter__(self) -> "VideoFile":
        return self

    def add(self, frame: Frame) -> None:
        """Append one frame, (height, width, 3)."""
        if self._writer is None:
            size = (frame.shape[1], frame.shape[0])
            self._writer = self._write_frames(
                str(self._temporary), size, fps=self._fps, codec="libx264", macro_block_size=_ENCODED_BLOCK, quality=7
            )
            self._writer.send(None)
        self._writer.send(np.ascontiguousarray(frame))

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if self._writer is not None:
            self._writer.close()
        if kind is None:
            if not self._temporary.is_file():
                raise UserError(f"{self._path}: the video could not be written")
            os.replace(self._temporary, self._path)
        else:
            self._temporary.unlink(missing_ok=True)
