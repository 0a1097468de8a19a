"""The diagnostic console of an emulated moteus: the few text commands that set-up needs, over the tunnel in frames.

Source: moteus documentation, diagnostic protocol. Of the configuration there is what the emulation acts on; anything
else is refused with `ERR`, as an unknown name is.
"""

from collections.abc import Mapping
from math import isfinite, nan

CHANNEL = 1
_OUTPUT_MAX = 4096  # of output that is not fetched
_INPUT_MAX = 256  # of one command
_STOPS = ("tel stop", "d stop")


class Settings:
    """The configuration that the emulation acts on, by the controller's names; lost at a boot unless it was written."""

    def __init__(self, motor_id: int, kp: float, kd: float) -> None:
        self.values: dict[str, float] = {
            "id.id": motor_id,
            "servo.pid_position.kp": kp,
            "servo.pid_position.kd": kd,
            "servopos.position_min": nan,
            "servopos.position_max": nan,
        }
        self._written = dict(self.values)

    def set(self, name: str, text: str) -> bool:
        """Set a value; return whether name and value are valid."""
        try:
            value = float(text)
        except ValueError:
            return False
        if name not in self.values or (name == "id.id" and value not in range(1, 127)):
            return False
        if name.startswith("servo.pid") and not (isfinite(value) and value >= 0.0):
            return False
        self.values[name] = value
        return True

    def write(self) -> None:
        """Keep everything over the next boot."""
        self._written = dict(self.values)

    def saved(self) -> dict[str, float]:
        """Return what was written last."""
        return dict(self._written)

    def restore(self, saved: Mapping[str, float]) -> None:
        """Write what `saved` returned. Raises ValueError if a name or value is invalid."""
        for name, value in saved.items():
            if not self.set(name, str(value)):
                raise ValueError(f"{name} = {value}")
        self.write()

    def boot(self) -> None:
        """Go back to what was written."""
        self.values = dict(self._written)


class Console:
    """Takes characters, runs lines, gives characters."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._input = b""
        self._output = b""

    def feed(self, data: bytes) -> None:
        """Take characters; run the lines that they complete."""
        *lines, rest = (self._input + data).replace(b"\r", b"\n").split(b"\n")
        self._input = rest[:_INPUT_MAX]
        for line in lines:
            text = line.decode("ascii", "replace").strip()
            if text:
                self._output = (self._output + self._run(text).encode() + b"\r\n")[-_OUTPUT_MAX:]

    def take(self, size: int) -> bytes:
        """Return what there is to say, at most so many characters."""
        said, self._output = self._output[:size], self._output[size:]
        return said

    def _run(self, text: str) -> str:
        if text in _STOPS:
            return "OK"
        words = text.split()
        if words[:2] == ["conf", "write"]:
            self._settings.write()
            return "OK"
        if words[:2] == ["conf", "get"] and len(words) == 3:
            value = self._settings.values.get(words[2])
            return "ERR error reading" if value is None else f"{value:g}\r\nOK"
        if words[:2] == ["conf", "set"] and len(words) == 4:
            return "OK" if self._settings.set(words[2], words[3]) else "ERR error setting"
        return "ERR unknown command"
