"""What one usually does next with a policy, as command lines that can be pasted."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from sim2real.configs.command_line import robot_word, typed
from sim2real.configs.errors import ConfigError
from sim2real.configs.library import POLICIES, ROOT
from sim2real.configs.policy_reference import RUNS, policy_file
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular

_SECONDS: Final = 10
"""Of a first run: long enough for every shipped goal."""


@dataclass(frozen=True)
class NextLines:
    """Command lines for one policy."""

    policy: Path
    """As a person typed it, or may type it."""
    robot: str | None
    """Its robot, as a command line here can name it; None where it cannot, or the policy is for none."""

    @classmethod
    def of(cls, policy: str | Path) -> Self:
        """Return those of a policy by name, run or file."""
        word = Path(policy)
        if word.parent == RUNS:
            word = Path(word.name)
        elif word.parent == ROOT / POLICIES:
            word = Path(word.stem)
        return cls(word, _robot_of(word))

    @property
    def name(self) -> str:
        """A word for files that are made of it."""
        return (
            self.policy.parent.name
            if self.policy.name == "policy.onnx" and self.policy.parent.name
            else self.policy.stem
        )

    def video(self) -> str:
        """Watch it in simulation."""
        return typed("eval", self.policy, "--video", f"{self.name}.mp4")

    def report(self) -> str:
        """Look at how it learned."""
        return typed("report", self.policy)

    def inspect(self) -> str:
        """Look at its contract."""
        return typed("inspect", self.policy)

    def run(self, *where: object) -> tuple[str, ...]:
        """Run it on its robot, by default an emulated one, and record it."""
        if self.robot is None:
            return ()
        how = where or ("--emulate", "--duration", _SECONDS)
        return (typed("run", self.policy, "--robot", self.robot, *how, "--log", f"{self.name}.mcap"),)

    def flash(self) -> tuple[str, ...]:
        """Install it in a folder for its robot."""
        if self.robot is None:
            return ()
        return (typed("flash", self.policy, "--to", Path("robots", self.robot), "--robot", self.robot),)


def _robot_of(policy: Path) -> str | None:
    from sim2real.runtime.contract.manifest import CONTRACT_KEY  # with numpy and pydantic
    from sim2real.runtime.contract.model_file import metadata_of

    try:
        metadata = metadata_of(read_regular(policy_file(policy), POLICY_BYTES_MAX))
        return robot_word(str(json.loads(metadata[CONTRACT_KEY])["robot"]["name"]))
    except (ConfigError, OSError, ValueError, KeyError, TypeError):
        return None  # a policy for no robot: nothing follows on one
