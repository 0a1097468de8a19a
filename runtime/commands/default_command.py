"""A group of commands of which one needs no name: `sim2real hil FILE` beside `sim2real hil compare`."""

from typing import Any

from typer.core import TyperGroup


class DefaultCommand(TyperGroup):
    """A group that runs its command `run` when the first argument names no command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's classes are private
        """Put `run` before arguments that name no command, and where there are none."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:  # noqa: ANN401 - typer's classes are private
        """Complete the names of commands, and the first argument of the one that needs no name."""
        first = next(each for each in self.commands["run"].params if each.param_type_name == "argument")
        return [*super().shell_complete(ctx, incomplete), *first.shell_complete(ctx, incomplete)]
