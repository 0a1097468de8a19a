"""Symbolic links to pseudo-terminals: names that last longer than one emulator."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sim2real.configs.errors import UserError


class PortLinks:
    """Links to the ports of one emulator; removed by `remove`, unless another one has taken them over."""

    def __init__(self, path: Path, ports: Mapping[str, str]) -> None:
        """Make the links: `path` for the only port, or `path-NAME` for each of several.

        Raises:
            UserError: A file that is no link is there, or the link cannot be made.
        """
        self._made: dict[Path, str] = {}
        for name, port in ports.items():
            link = path if len(ports) == 1 else path.with_name(f"{path.name}-{name}")
            if link.exists() and not link.is_symlink():
                raise UserError(f"--link {link}: there is a file of that name, and it is no link")
            partial = link.with_name(f".{link.name}.part")
            try:
                partial.unlink(missing_ok=True)
                partial.symlink_to(port)
                partial.replace(link)
            except OSError as error:
                raise UserError(f"--link {link}: {error.strerror}") from error
            self._made[link] = port

    def remove(self) -> None:
        """Remove the links that still lead to these ports. Never raises OSError."""
        for link, port in self._made.items():
            with suppress(OSError):
                if link.is_symlink() and str(link.readlink()) == port:
                    link.unlink()
