"""Errors that are the user's to mend: one clear line, no traceback."""


class UserError(Exception):
    """Something the user asked for cannot be done.

    The message is one line that says what was wrong, where, and what would be valid. Commands print it and exit with a
    non-zero status.
    """


class ConfigError(UserError):
    """A configuration file or override is not valid; the message opens with `file:line` or the override.

    Whatever the file holds, the message stays one line: characters that do not print are shown as escapes.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in message))


class MissingExtraError(UserError):
    """A command or a function needs an optional part of the installation that is not there."""

    def __init__(self, name: str, module: str, extra: str) -> None:
        super().__init__(
            f"{name} needs {module}, which is not installed; install it with: pip install 'sim2real[{extra}]'"
        )
