"""Laws of videos: a file is whole or absent, and what hinders it is one line."""

from pathlib import Path

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.rendering.video_file import VideoFile

FRAMES = 12


def write(path: Path, fps: float = 25.0) -> None:
    """Write a video of noise."""
    random = np.random.default_rng(0)
    with VideoFile(path, fps) as video:
        for _ in range(FRAMES):
            video.add(random.integers(0, 255, (48, 64, 3), np.uint8))


@pytest.mark.parametrize("fps", [10.0, 25.0, 100.0 / 3.0])
def test_a_video_is_written_whole_and_nothing_else_is_left(tmp_path, fps):
    write(tmp_path / "a.mp4", fps)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_an_encoder_that_fails_is_said_and_leaves_no_file(tmp_path, monkeypatch):
    # On a full disk `eval --video` said ok and left an MP4 that no player opens.
    import imageio_ffmpeg

    real = imageio_ffmpeg.write_frames

    def onto_a_full_disk(path: str, size: tuple[int, int], **options: object):
        return real(path, size, output_params=["-fs", "1"], **options)

    monkeypatch.setattr(imageio_ffmpeg, "write_frames", onto_a_full_disk)
    with pytest.raises(UserError, match=r"a\.mp4: .*could (not )?be written"):
        write(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_or_in_the_way_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"cannot be written: No such file or directory$"):
        write(tmp_path / "no" / "a.mp4")
    (tmp_path / "b.mp4").mkdir()
    with pytest.raises(UserError, match=r"b\.mp4: is a folder; give a file$"):
        write(tmp_path / "b.mp4")
