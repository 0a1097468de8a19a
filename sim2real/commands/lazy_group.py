"""Command groups whose commands are plug-ins of any package, imported when they are run."""

from typing import Any, ClassVar

import typer

from sim2real.commands.usage_errors import in_one_line, note_format
from sim2real.configs.command_info import CommandInfo
from sim2real.configs.plugins import PluginError, Plugins, unknown
from sim2real.configs.stage import stage

_SUMMARY_MAX = 200  # characters: a whole sentence, which is wrapped
_COMPLETION = ("install_completion", "show_completion")  # typer gives them to every app, and they fit the root alone


class LazyGroup(typer.core.TyperGroup):
    """A command group: its own commands, and plug-ins.

    A plug-in that cannot be loaded is marked in the list of commands, and shows its traceback when it is run.
    """

    plugins: ClassVar[Plugins[Any]]
    """The group's own commands hide plug-ins of the same name."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - typer's context class is private
        """Return the names of its commands."""
        own = super().list_commands(ctx)
        return [*own, *(name for name in self.plugins.names if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer's classes are private
        """Return a command, imported now; None if there is no such command.

        Raises:
            PluginError: It cannot be loaded; the message ends with the traceback.
        """
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in self.plugins:
            return own
        app = self.plugins[cmd_name]
        if isinstance(app, CommandInfo):
            app = self.plugins.guarded(cmd_name, app.load)
        command = typer.main.get_command(app)
        command.name = cmd_name
        command.params = [parameter for parameter in command.params if parameter.name not in _COMPLETION]
        if ctx is not None and ctx.resilient_parsing:  # a shell asks what may follow
            from sim2real.commands.completed_words import complete_names

            complete_names(command)
        return command

    def parse_args(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer's context class is private
        """Parse the group's own options; errors are one line."""
        note_format(ctx, args)
        self._say_loading(ctx, args)
        with in_one_line(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's context class is private
        """Parse and run the rest of the command line; errors are one line."""
        with in_one_line(ctx):
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer's classes are private
        """Find the command to run; for an unknown one the error states the closest and the valid names."""
        name = args[0]
        if not name.startswith("-") and name not in self.list_commands(ctx):
            ctx.fail(unknown("command", name, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:  # noqa: ANN401 - typer's classes are private
        """Return the commands that may follow, with their summaries: none is imported for that; and the options."""
        from sim2real.commands.completed_words import Word

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        options = [] if incomplete[:1].isalnum() or not incomplete else self._options(ctx, incomplete)
        return [*(Word(name, help=self._summary(ctx, name)) for name in names), *map(Word, options)]

    def _say_loading(self, ctx: Any, args: list[str]) -> None:  # noqa: ANN401 - typer's context class is private
        info = self.plugins[args[0]] if args and args[0] in self.plugins.names else None
        if isinstance(info, CommandInfo) and info.slow and "--help" not in args and not ctx.resilient_parsing:
            stage(f"{ctx.info_name} {args[0]}: loading")

    def _options(self, ctx: Any, incomplete: str) -> list[str]:  # noqa: ANN401 - typer's context class is private
        names = [name for parameter in self.get_params(ctx) for name in parameter.opts]
        return [name for name in names if name.startswith(incomplete)]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's classes are private
        """Write the list of commands; only the plug-ins' summaries are loaded for it."""
        rows = [(name, self._summary(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _summary(self, ctx: Any, name: str) -> str:  # noqa: ANN401 - typer's context class is private
        try:
            if name not in self.commands and isinstance(info := self.plugins[name], CommandInfo):
                return info.summary
            text: str = self.get_command(ctx, name).get_short_help_str(_SUMMARY_MAX)
        except PluginError:
            return f"(cannot be loaded; `{ctx.command_path} {name}` says why)"
        return text


def commands_of(group: str, **arguments: Any) -> Plugins[Any]:  # noqa: ANN401 - those of `Plugins`
    """Return the commands of an entry-point group: `CommandInfo` objects, or Typer apps."""
    return Plugins(group, "command", _wrong, **arguments)


def lazy_group(commands: Plugins[Any]) -> type[LazyGroup]:
    """Return the class of a command group with these plug-ins."""
    return type("LazyGroup", (LazyGroup,), {"plugins": commands})


def _wrong(part: Any) -> str | None:  # noqa: ANN401 - whatever the entry point names
    if isinstance(part, CommandInfo | typer.Typer):
        return None
    return f"is a {type(part).__name__}; valid: a CommandInfo or a typer.Typer"
