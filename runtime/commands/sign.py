"""The `sign` command: a detached signature of a policy."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.policy_reference import policy_file
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.runtime.contract.manifest import ContractError, from_metadata
from sim2real.runtime.contract.model_file import metadata_of
from sim2real.runtime.signature.detached import comment_for, sign, signature_path
from sim2real.runtime.signature.key_files import needs_password, read_key
from sim2real.runtime.signature.key_text import SignatureError

app = typer.Typer()


@app.command("sign")
@reports
def sign_policy(
    policy: Annotated[Path, typer.Argument(help="A shipped policy, or an ONNX file exported by sim2real.")],
    key: Annotated[Path, typer.Option("--key", help="The secret key, of `sim2real keygen` or minisign.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The signature; beside the policy when left out.", show_default=False),
    ] = None,
    comment: Annotated[
        str | None, typer.Option("--comment", help="The trusted comment; when and of which file when left out.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Sign a policy for `flash`: writes policy.onnx.minisig beside it, which minisign verifies too.

    Example: sim2real sign policy.onnx --key release.key
    """
    path = policy_file(policy)
    content = _policy(path)
    if output is None and path != policy:
        raise SignatureError(f"{policy}: is shipped with the package; say where the signature goes with -o")
    password = None
    if needs_password(key):
        if not sys.stdin.isatty():
            raise SignatureError(f"{key}: the key is encrypted, and there is no terminal to ask for its password")
        password = typer.prompt(f"Password of {key}", hide_input=True, err=True)
    signature = sign(content, read_key(key, password), comment_for(path) if comment is None else comment)
    target = signature_path(path) if output is None else output
    _replace(target, signature.text())
    document = {"signature": str(target), "key_id": signature.key_name, "comment": signature.comment}
    text = f"{target}: signed by key {signature.key_name}\ntrusted comment: {signature.comment}"
    return Outcome(document, escape(text))


def _policy(path: Path) -> bytes:
    """Return the bytes of a policy: nobody wants to sign another file by mistake."""
    try:
        content = read_regular(path, POLICY_BYTES_MAX)
        from_metadata(metadata_of(content))
    except OSError as error:
        raise SignatureError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, ContractError) as error:
        raise SignatureError(f"{path}: is not a policy: {error}") from error
    return content


def _replace(path: Path, text: str) -> None:
    """Write a file whole: beside it, synced, renamed."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with aside.open("x", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise SignatureError(f"{path}: cannot be written: {error.strerror}") from error
