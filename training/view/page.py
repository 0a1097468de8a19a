"""A show on a page in a browser, on this machine alone unless another address is given."""

import io
import socket
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from threading import RLock

import numpy as np
import viser
from mjviser import ViserMujocoScene

from sim2real.configs.errors import UserError
from sim2real.training.view.pace import Pace
from sim2real.training.view.show import Control, Show

_FRAME_S = 1.0 / 30.0
_TEXT_S = 0.25
_STEPS = 200  # of a slider
_FROM = np.array([1.2, -1.2, 0.7])  # extents of the model, from its middle
_SPEEDS = ("0.1", "0.25", "0.5", "1", "2", "4")


class Page:
    """The page of a show.

    Args:
        show: The show.
        host: Address to listen on.
        port: Port; a free one where 0 is given.

    Raises:
        UserError: The port is taken.
    """

    def __init__(self, show: Show, host: str, port: int) -> None:
        self._show, self._pace, self._lock = show, Pace(show), RLock()
        self._server = _server(host, port)
        self.url = f"http://{host}:{self._server.get_port()}"
        """Where it is."""
        self._scene = ViserMujocoScene(self._server, show.model, num_envs=1)
        self._sliders: list[tuple[Control, viser.GuiInputHandle[float]]] = []
        model = show.model
        camera, size = self._server.initial_camera, float(model.stat.extent)
        camera.position = np.array(model.stat.center) + size * _FROM
        camera.look_at = np.array(model.stat.center)
        gui = self._server.gui
        gui.set_panel_label(show.title)
        self._text = gui.add_markdown("")
        self._add_buttons()
        if show.controls:
            with gui.add_folder("Controls"):
                for control in show.controls:
                    self._add_slider(control)
        self._drawn = None
        if show.drawn():
            with gui.add_folder("Drawn for this episode, SI", expand_by_default=False):
                self._drawn = gui.add_markdown("")
        with gui.add_folder("Draw", expand_by_default=False):
            self._scene.create_visualization_gui()
        self._frame_at = self._text_at = 0.0
        self.draw()

    def run(self, go_on: Callable[[], bool] = lambda: True) -> None:
        """Show for as long as it may go on."""
        while go_on():
            with self._lock:
                moved, now = self._pace.advance(), time.monotonic()
                if (moved or self._scene.needs_update) and now >= self._frame_at:
                    self._frame_at = now + _FRAME_S
                    self.draw()
            time.sleep(self._show.period_s / 4.0 if self._show.period_s < _FRAME_S else _FRAME_S / 4.0)

    def draw(self) -> None:
        """Send state and text to whoever looks."""
        with self._lock:
            self._scene.update_from_mjdata(self._show.data)
            now = time.monotonic()
            if now >= self._text_at:
                self._text_at = now + _TEXT_S
                self._text.content = _below(self._show.lines())
                if self._drawn is not None:
                    self._drawn.content = _below(self._show.drawn())

    def close(self) -> None:
        """Stop serving."""
        with redirect_stdout(io.StringIO()):
            self._server.stop()

    def _add_buttons(self) -> None:
        gui = self._server.gui
        again = gui.add_button("Begin again")

        @again.on_click
        def _(_: object) -> None:
            with self._lock:
                self._show.restart()
                self._text_at = 0.0
                self.draw()

        if not self._show.moves:
            return
        pause = gui.add_button("Pause")
        speed = gui.add_dropdown("Speed", _SPEEDS, initial_value="1")

        @pause.on_click
        def _(_: object) -> None:
            with self._lock:
                self._pace.paused = not self._pace.paused
                pause.label = "Go on" if self._pace.paused else "Pause"

        @speed.on_update
        def _(_: object) -> None:
            with self._lock:
                self._pace.speed = float(speed.value)

    def _add_slider(self, control: Control) -> None:
        step = (control.high - control.low) / _STEPS
        slider = self._server.gui.add_slider(control.name, control.low, control.high, step, control.value)
        self._sliders.append((control, slider))

        @slider.on_update
        def _(_: object) -> None:
            with self._lock:
                self._show.put(control.name, float(slider.value))
                self._text_at = 0.0
                self.draw()


def _below(lines: list[str]) -> str:
    """Return lines below each other, in Markdown."""
    return "  \n".join(lines)


def _server(host: str, port: int) -> viser.ViserServer:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise UserError(
                f"view: {host}:{port} cannot be listened on: {error.strerror}; --port takes another"
            ) from error
        free = trial.getsockname()[1]
    with redirect_stdout(io.StringIO()):  # its banner, which would be part of a document
        return viser.ViserServer(host=host, port=free, verbose=False)
