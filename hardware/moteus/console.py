"""The diagnostic console of a controller, over the bus: configuration values are read and set as text.

Source: moteus documentation, diagnostic protocol. A lost reply takes its text with it, so what only reads is repeated.
"""

from sim2real.hardware.errors import HardwareError, PortLostError, ProtocolError
from sim2real.hardware.moteus.client import TRIES, Client
from sim2real.hardware.moteus.frame import CLIENT_POLL, Kind, Subframe, encode_stream, subframes
from sim2real.hardware.moteus.lines import encode_send

_CHANNEL = 1
_POLL = bytes((CLIENT_POLL, _CHANNEL, 48))
_POLLS_MAX = 40  # per console command
_READ_TRIES = 16  # of one value; with one frame in five lost, a try fails in about two of five
_EMPTY_POLLS_MAX = 3  # per try of reading a value
_FLUSH_POLLS_MAX = 100  # 4 KiB of unread output


class Console:
    """Runs commands on the consoles of the controllers behind one adapter, whose checksum setting is known."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def value(self, motor: int, name: str) -> float:
        """Return a configuration value. Raises HardwareError if the controller does not answer or has no such value."""
        for _ in range(_READ_TRIES):
            self._flush(motor)
            self.send(motor, f"conf get {name}")
            output = self._text(motor, _EMPTY_POLLS_MAX)
            if output.startswith("ERR"):
                raise HardwareError(f"motor {motor} refused `conf get {name}`: {output.strip()}")
            words = output.split()
            if len(words) == 2 and words[1] == "OK":
                try:
                    return float(words[0])
                except ValueError:
                    continue
        raise HardwareError(f"motor {motor}: no answer to `conf get {name}`")

    def run(self, motor: int, text: str) -> str:
        """Run a console command; return the output before `OK`. Raises HardwareError if it is refused."""
        self._flush(motor)  # a program that was cut off has left its answer unread
        self.send(motor, text)
        return self.output(motor)

    def load(self, motor: int) -> None:
        """Load the saved configuration. A controller with another saved id is gone afterwards. Raises HardwareError."""
        for _ in range(TRIES):
            try:
                self.run(motor, "conf load")
            except PortLostError:
                raise
            except HardwareError:
                if self._client.silent(motor):
                    return  # it has its saved id
            else:
                return
        raise HardwareError(f"motor {motor} does not load its saved configuration")

    def send(self, motor: int, text: str) -> None:
        """Send a console command. Raises PortLostError."""
        data = encode_stream(Kind.CLIENT_DATA, _CHANNEL, f"{text}\n".encode())
        self._client.send(encode_send(motor, data, bool(self._client.checksum)))

    def output(self, motor: int) -> str:
        """Return the output of a command before `OK`. Raises HardwareError if it is refused or does not come."""
        output = self._text(motor, _POLLS_MAX)
        *lines, _ = output.splitlines(keepends=True) or [""]
        if output.endswith("OK\r\n"):
            return "".join(lines).strip()
        if output.startswith("ERR"):
            raise HardwareError(f"motor {motor} refused: {output.strip()}")
        raise HardwareError(f"the console of motor {motor} does not answer")

    def _text(self, motor: int, empty_max: int) -> str:
        """Return output up to `OK` or the end of an error, or what came before so many polls brought nothing."""
        output = b""
        for _ in range(_POLLS_MAX):
            piece = self._poll(motor)
            output += piece
            empty_max -= not piece
            if output.endswith(b"OK\r\n") or (output.startswith(b"ERR") and output.endswith(b"\n")) or empty_max <= 0:
                break
        return output.decode("ascii", "replace")

    def _flush(self, motor: int) -> None:
        """Discard the output that an earlier command or program has left unread."""
        for _ in range(_FLUSH_POLLS_MAX):
            if not self._poll(motor):
                return

    def _poll(self, motor: int) -> bytes:
        """Return the next output, empty if there is none. Raises HardwareError if the controller does not answer."""
        for _ in range(TRIES):
            answers = self._client.ask({motor: _POLL})
            if motor in answers:
                pieces = decoded(answers[motor].data)
                return b"".join(piece.data for piece in pieces if piece.kind == Kind.SERVER_DATA)
        raise HardwareError(f"motor {motor} does not answer")


def decoded(data: bytes) -> list[Subframe]:
    """Return the subframes of a reply. Raises HardwareError if it is invalid."""
    try:
        return list(subframes(data))
    except ProtocolError as error:
        raise HardwareError(f"invalid moteus reply: {error}") from error


MEANING = ("motor_position.output.sign", "motor_position.output.offset")
"""The configuration values that decide what a position means."""
