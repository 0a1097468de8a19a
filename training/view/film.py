"""A video of a show."""

from pathlib import Path

from sim2real.configs.stage import stage
from sim2real.rendering.camera import Camera
from sim2real.rendering.video_file import FPS, VideoFile
from sim2real.training.view.show import Show

_AZIMUTH = 120.0  # degrees; of a model without a camera of its own


def film(show: Show, path: Path, seconds: float) -> None:
    """Write a video of a show from where it is, at its own speed.

    Args:
        show: What moves.
        path: The MP4 file.
        seconds: Length of the video.

    Raises:
        UserError: Rendering is not available, or the file cannot be written.
    """
    steps = max(1, round(seconds / show.period_s))
    stride = max(1, round(1.0 / (FPS * show.period_s)))
    camera = Camera(show.model)
    try:
        with VideoFile(path, 1.0 / (stride * show.period_s)) as video:
            for step in range(steps):
                if step % stride == 0:
                    stage("video", step / steps)
                    own = show.model.ncam > 0
                    video.add(camera.frame(show.data) if own else camera.around(show.data, _AZIMUTH))
                show.step()
    finally:
        camera.close()
