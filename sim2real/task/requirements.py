"""What the terms of a task need of its robot and of the task itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sim2real.configs.errors import ConfigError
from sim2real.configs.plugins import unknown
from sim2real.configs.schema.command import TIP_COMMANDS
from sim2real.configs.schema.task import TaskConfig
from sim2real.task.term import Need, Term
from sim2real.task.terms import Terms

_WORDS: Final[dict[Need, str]] = {
    "base": "a free base (a body with a free joint)",
    "contact": "contact forces",
    "effort": "joint efforts",
    "feet": "`feet` in the robot's YAML",
    "gait": "`gait`",
    "pose": "a command with the name of a joint",
    "tip": f"`tip` in the robot's YAML and the commands {', '.join(TIP_COMMANDS)}",
    "rail": "a vertical slide joint",
    "travel": "a level slide joint",
}


@dataclass(frozen=True)
class Requirements:
    """The needs of all terms of a task."""

    needs: frozenset[Need]
    commands: tuple[str, ...]
    """Commands, in the order in which the terms name them."""

    @classmethod
    def of(cls, task: TaskConfig) -> "Requirements":
        """Collect the needs of everything that a task names. Raises ConfigError as `Terms.of`, or for unknown names."""
        terms: list[Term] = []
        for at, name, table in Terms.of(task).named_by(task):
            if name not in table:
                where = f"task {task.name!r}: {'.'.join(map(str, at))}"
                raise ConfigError(f"{where}: {unknown(table.kind.noun, name, table)}")
            terms.append(table[name])
        commands = dict.fromkeys(name for term in terms for name in term.commands)
        return cls(frozenset(need for term in terms for need in term.needs), tuple(commands))

    def check(self, task: TaskConfig, has: Mapping[str, bool]) -> None:
        """Refuse a task whose terms need what its robot does not have.

        Args:
            task: The task.
            has: Whether the robot's model has a `base`, a `rail`, a `travel`.

        Raises:
            ConfigError: With what is missing.
        """
        found = dict(has) | {
            "contact": True,
            "effort": True,
            "feet": bool(task.robot.feet),
            "gait": task.gait is not None,
            "pose": any(name in task.commands for name in task.robot.joints),
            "tip": task.robot.tip is not None and set(TIP_COMMANDS) <= set(task.commands),
        }
        missing = [_WORDS[need] for need in sorted(self.needs) if not found.get(need, False)]
        if commands := [name for name in self.commands if name not in task.commands]:
            missing.append(f"the command{'s' * (len(commands) > 1)} {', '.join(commands)}")
        if missing:
            raise ConfigError(f"task {task.name!r}: its terms need {' and '.join(missing)}")
