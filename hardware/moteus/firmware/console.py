"""The diagnostic console of an emulated moteus: the commands of set-up and telemetry, tunnelled in frames.

Source: moteus documentation, diagnostic protocol. Only the settings that the emulation uses exist; other names are
refused with `ERR`, like unknown names.
"""

from collections.abc import Callable, Mapping
from math import isfinite, nan

from sim2real.hardware.moteus.firmware.telemetry import CHANNELS, Read, sample, schema

CHANNEL = 1
_OUTPUT_MAX = 4096  # unread output, bytes
_INPUT_MAX = 256  # one command, bytes
_STOPS = ("tel stop", "d stop")


class Settings:
    """The settings that the emulation uses, by the controller's names; lost at boot unless saved with `conf write`."""

    def __init__(self, motor_id: int, kp: float, kd: float) -> None:
        self.values: dict[str, float] = {
            "id.id": motor_id,
            "servo.pid_position.kp": kp,
            "servo.pid_position.kd": kd,
            "servopos.position_min": nan,
            "servopos.position_max": nan,
            "motor_position.output.sign": 1.0,
            "motor_position.output.offset": 0.0,
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
        if name == "motor_position.output.sign" and value not in (1.0, -1.0):
            return False
        if name == "motor_position.output.offset" and not isfinite(value):
            return False
        self.values[name] = value
        return True

    def write(self) -> None:
        """Save all values, as `conf write` does."""
        self._written = dict(self.values)

    def saved(self) -> dict[str, float]:
        """Return the saved values."""
        return dict(self._written)

    def restore(self, saved: Mapping[str, float]) -> None:
        """Restore values from `saved` and save them. Raises ValueError if a name or value is invalid."""
        for name, value in saved.items():
            if not self.set(name, str(value)):
                raise ValueError(f"{name} = {value}")
        self.write()

    def boot(self) -> None:
        """Reset to the saved values."""
        self.values = dict(self._written)


class Console:
    """Executes command lines and buffers their output."""

    def __init__(self, settings: Settings, read: Read, reset: Callable[[], None]) -> None:
        """Make a console.

        Args:
            settings: The controller's settings.
            read: Returns a register by name, unscaled.
            reset: Restarts the controller.
        """
        self._settings, self._read, self._reset = settings, read, reset
        self._input = b""
        self._output = b""

    def feed(self, data: bytes) -> None:
        """Feed characters; execute the lines they complete."""
        *lines, rest = (self._input + data).replace(b"\r", b"\n").split(b"\n")
        self._input = rest[:_INPUT_MAX]
        for line in lines:
            text = line.decode("ascii", "replace").strip()
            if text:
                answer = self._telemetry(text)
                if answer is None:
                    answer = self._run(text).encode() + b"\r\n"
                self._output = (self._output + answer)[-_OUTPUT_MAX:]

    def take(self, size: int) -> bytes:
        """Return buffered output, at most `size` characters."""
        output, self._output = self._output[:size], self._output[size:]
        return output

    def _telemetry(self, text: str) -> bytes | None:
        """Return the answer to a command of telemetry or a reset; None if it is neither."""
        words = text.split()
        if words == ["d", "reset"]:
            self._reset()
            return b""
        if words == ["tel", "list"]:
            return "".join(f"{name}\r\n" for name in CHANNELS).encode() + b"OK\r\n"
        if len(words) < 3 or words[0] != "tel" or words[1] not in ("schema", "get", "fmt"):
            return None
        _, what, channel, *_ = words
        if channel not in CHANNELS:
            return b"ERR unknown name\r\n"
        if what == "fmt":
            return b"OK\r\n"
        blob = schema(channel) if what == "schema" else sample(channel, self._read)
        word = "schema" if what == "schema" else "emit"
        return f"{word} {channel}\r\n".encode() + len(blob).to_bytes(4, "little") + blob

    def _enumerate(self, group: str) -> str:
        """Return the settings of a group, or all, as `conf enumerate` prints them."""
        values = dict(self._settings.values)
        if group == "uuid":  # read alone: it is written at the factory
            words = (int(self._read(f"uuid_{word}")) & 0xFFFFFFFF for word in (1, 2, 3, 4))
            values = {f"uuid.uuid.{n}": byte for n, byte in enumerate(b"".join(w.to_bytes(4, "little") for w in words))}
        chosen = {name: value for name, value in values.items() if not group or name.partition(".")[0] == group}
        if not chosen:
            return "ERR unknown group"
        return "".join(f"{name} {value:g}\r\n" for name, value in chosen.items()) + "OK"

    def _run(self, text: str) -> str:
        if text in _STOPS:
            return "OK"
        words = text.split()
        if words[:2] == ["conf", "write"]:
            self._settings.write()
            return "OK"
        if words[:2] == ["conf", "load"]:
            self._settings.boot()
            return "OK"
        if words[:2] == ["conf", "enumerate"] and len(words) <= 3:
            return self._enumerate("".join(words[2:]))
        if words[:2] == ["conf", "get"] and len(words) == 3:
            value = self._settings.values.get(words[2])
            return "ERR error reading" if value is None else f"{value:g}\r\nOK"
        if words[:2] == ["conf", "set"] and len(words) == 4:
            return "OK" if self._settings.set(words[2], words[3]) else "ERR error setting"
        return "ERR unknown command"
