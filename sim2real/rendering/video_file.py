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
    """An MP4 file written frame by frame; an exception inside the `with` block leaves no file.

    Raises:
        UserError: The file cannot be written, or not all of it.
    """

    def __init__(self, path: Path, fps: float) -> None:
        import imageio_ffmpeg

        self._path, self._fps = path, fps
        self._temporary = path.with_suffix(".part.mp4")
        self._ffmpeg = imageio_ffmpeg
        self._writer: Any = None
        self._frames = 0
        if path.is_dir():
            raise UserError(f"{path}: is a folder; give a file")
        try:
            self._temporary.touch()
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror}") from error

    def __enter__(self) -> "VideoFile":
        return self

    def add(self, frame: Frame) -> None:
        """Append one frame, (height, width, 3). Raises UserError."""
        if self._writer is None:
            size = (frame.shape[1], frame.shape[0])
            options: dict[str, Any] = {"codec": "libx264", "macro_block_size": _ENCODED_BLOCK, "quality": 7}
            self._writer = self._ffmpeg.write_frames(
                str(self._temporary), size, fps=self._fps, ffmpeg_log_level="fatal", **options
            )
            self._writer.send(None)
        try:
            self._writer.send(np.ascontiguousarray(frame))
        except OSError as error:  # its message is that of a broken pipe, with the whole command
            raise UserError(f"{self._path}: the video could not be written") from error
        self._frames += 1

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        try:
            if self._writer is not None:
                self._writer.close()
            if kind is None:
                self._check_whole()
                os.replace(self._temporary, self._path)
        finally:
            self._temporary.unlink(missing_ok=True)

    def _check_whole(self) -> None:
        """Decode what was encoded: the library does not tell when the encoder failed, for example on a full disk."""
        try:
            frames, _ = self._ffmpeg.count_frames_and_secs(str(self._temporary))
        except RuntimeError as error:
            raise UserError(f"{self._path}: the video could not be written: is the disk full?") from error
        if frames != self._frames:
            raise UserError(f"{self._path}: only {frames} of {self._frames} frames of the video could be written")
