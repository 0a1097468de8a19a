"""The `keygen` command: a pair of keys to sign policies with."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.runtime.signature.key_files import public_path, write_key
from sim2real.runtime.signature.key_text import SignatureError
from sim2real.runtime.signature.secret_key import SecretKey

app = typer.Typer()


@app.command()
@reports
def keygen(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The secret key; the public one is beside it, with .pub.")
    ],
    password: Annotated[bool, typer.Option(help="On a terminal, ask for a password that encrypts the key.")] = True,
    json_output: Json = False,
) -> Outcome:
    """Make a key to sign policies with, in minisign's format, and its public key for `trusted_keys` of targets.

    Example: sim2real keygen -o release.key
    """
    chosen = _new_password() if password and sys.stdin.isatty() else None
    key = SecretKey.new()
    write_key(output, key, chosen)
    protection = "encrypted with the password" if chosen else "not encrypted: no password was given"
    document = {
        "key": str(output),
        "public": str(public_path(output)),
        "key_id": key.public.name,
        "trusted_key": key.public.line,
        "encrypted": chosen is not None,
    }
    lines = [
        f"secret key   {output}, {protection}; whoever has it can sign",
        f"public key   {public_path(output)}, id {key.public.name}",
        f"in a target  trusted_keys: [{key.public.line}]",
    ]
    return Outcome(document, escape("\n".join(lines)))


def _new_password() -> str | None:
    """Ask twice; nothing typed is no password. The prompt goes to standard error."""
    first: str = typer.prompt("Password (empty for none)", default="", show_default=False, hide_input=True, err=True)
    if not first:
        return None
    if typer.prompt("Again", default="", show_default=False, hide_input=True, err=True) != first:
        raise SignatureError("the passwords differ; no key was written")
    return first
