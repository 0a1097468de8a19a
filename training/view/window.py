"""A show in MuJoCo's window."""

import os
import sys
import time

from sim2real.configs.errors import UserError
from sim2real.training.view.pace import Pace
from sim2real.training.view.show import Show

_SPACE, _BACKSPACE = 32, 259  # key codes of GLFW
_IDLE_S = 0.005
KEYS = "space pauses, backspace begins again; controls are on the page of --web"


def show_window(show: Show) -> None:
    """Show until the window is closed.

    Raises:
        UserError: There is no display.
    """
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UserError("view: there is no display for a window; --web shows the same on a page in a browser")
    from mujoco import viewer

    pace, again = Pace(show), False

    def press(key: int) -> None:
        nonlocal again
        if key == _SPACE:
            pace.paused = not pace.paused
        again = again or key == _BACKSPACE

    with viewer.launch_passive(show.model, show.data, key_callback=press) as window:
        while window.is_running():
            with window.lock():
                if again:
                    show.restart()
                    again = False
                pace.advance()
            window.sync()
            time.sleep(_IDLE_S)
