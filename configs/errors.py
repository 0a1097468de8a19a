"""User errors: shown as one line without a traceback."""


class UserError(Exception):
    """A request of the user failed.

    The message is one line: what is wrong, where, and what is valid. Commands print it and exit with a non-zero status.
    """


class ConfigError(UserError):
    """A configuration file or override is not valid; the message begins with `file:line` or the override.

    Non-printing characters are escaped, so that the message is always one line.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in message))


class NonFiniteError(UserError):
    """A number is NaN or infinite where only a finite one means anything; the message names it."""


class MissingExtraError(UserError):
    """A command or a function needs an extra that is not installed."""

    def __init__(self, name: str, module: str, extra: str) -> None:
        super().__init__(
            f"{name} needs {module}, which is not installed; install it with: pip install 'sim2real[{extra}]'"
        )
