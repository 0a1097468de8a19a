"""Command a running policy from another program, through the operator's socket.

The robot is emulated here; on the real one it is `sim2real run … --operator socket:PATH`, and the program is a process
of its own. Nothing moves before the start. A request is a line of JSON, and so is its answer.

Prints, for example:
    hopper_leg takes height 0.1 to 0.25, forward -0.4 to 0.4
    RUNNING after 0.1 s
    ended by operator in RUNNING
"""

import json
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import sim2real


class Client:
    """A connection to the operator's socket."""

    def __init__(self, path: Path) -> None:
        while not path.exists():
            time.sleep(0.05)
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(path))
        self._lines = connection.makefile("rw")

    def read(self) -> dict[str, Any]:
        """Return the next line."""
        line: dict[str, Any] = json.loads(self._lines.readline())
        return line

    def ask(self, **request: object) -> None:
        """Ask for something."""
        self._lines.write(json.dumps(request) + "\n")
        self._lines.flush()

    def wait_for(self, name: str) -> dict[str, Any]:
        """Return the first state of that name."""
        while True:
            state: dict[str, Any] = self.read().get("state", {})
            if state.get("state") == name:
                return state


def command(path: Path) -> None:
    """Start the robot, give it a command, and end the run."""
    client = Client(path)
    hello = client.read()
    ranges = (f"{each['name']} {each['low']} to {each['high']}" for each in hello["commands"])
    print(f"{hello['robot']} takes {', '.join(ranges)}")
    client.ask(do="subscribe", rate=20)
    client.wait_for("LIMP")
    client.ask(do="start")
    print(f"RUNNING after {client.wait_for('RUNNING')['time_s']:.1f} s")
    client.ask(do="set", values={"height": 0.15})
    client.ask(do="stop")


def main() -> None:
    """Run the policy, and the program beside it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "robot"
        threading.Thread(target=command, args=(path,), daemon=True).start()
        report = sim2real.run("hopper_hop", "hopper_leg", emulate=True, plant="inertia", operator=[f"socket:{path}"])
        print(f"ended by {report.stopped_by} in {report.final_state.name}")


if __name__ == "__main__":
    main()
