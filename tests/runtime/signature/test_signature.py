"""Laws of signatures: minisign's are read, ours are read by minisign, and nothing that was changed passes."""

import base64
import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.runtime.signature.detached import Signature, sign, signature_beside, signature_path
from sim2real.runtime.signature.key_files import needs_password, public_path, read_key, write_key
from sim2real.runtime.signature.key_text import SignatureError
from sim2real.runtime.signature.public_key import PublicKey
from sim2real.runtime.signature.secret_key import PasswordError, SecretKey

# Made by minisign 0.11: `minisign -G -W`, `minisign -S -t …`, and `minisign -G` with the password `secret` where there
# were 46 MB of memory, so that deriving the key is quick.
CONTENT = b"a policy"
KEY_FILE = (
    "untrusted comment: minisign encrypted secret key\n"
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAmgVIAgESJh22Dl9lp3JagXqQIQa/tmQ9LVHLEy0V"
    "gvH++zbbcUedT1yH231MUJkaUsLGhHAPay8Z7vLMAyM0CMPrsoZVq87KAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
)
PUBLIC = (
    "untrusted comment: minisign public key 1D2612010248059A\n"
    "RWSaBUgCARImHVyH231MUJkaUsLGhHAPay8Z7vLMAyM0CMPrsoZVq87K\n"
)
SIGNATURE = (
    "untrusted comment: signature from minisign secret key\n"
    "RUSaBUgCARImHUDiuhAAJGL8m7ZUmaibYDJUVwKigo7pALFDeqbhm4k2emiJs/M0hp08DT1G/FIKnGmclFL1NzUMJyrzZmPRkQ8=\n"
    "trusted comment: timestamp:1764000000\tfile:p.onnx\thashed\n"
    "FmEOYnnH4G3YyCLODp6zk/RDc2AlzIjW4yS9GR/NXOiw444+P73/osGwuELo1J85pSeI6RbkNmpf9VxyQaxhCA==\n"
)
LEGACY = SIGNATURE.replace("RUSa", "RWSa")
ENCRYPTED = (
    "untrusted comment: minisign encrypted secret key\n"
    "RWRTY0IypJcK/i5qsBVEDK+Hl6EuONe7XAcvGYrvcHDD4sr2WxIAABAAAAAAAAAAAAIAAAAAttGqcZJip58KRgOZUMyZcGSlhBkgz6EruO2eaXOXhLsv"
    "N5KrHOP7wHzXH/5uBdXzj4aAkQvP+wS9pBc6YKAoK8RD0TFgc8wqlG+7FG9g+L4D69jajf5P2VwFQWB0bkWW/bM3dnk12ew=\n"
)
ENCRYPTED_PUBLIC = "RWTq36GhGK9Gl8ICqlHskIxqbU/K1GsWvX3giKxuTk9ZmJrc3Wxel53d"

KEY = SecretKey.of_text(KEY_FILE, None)
CHEAP = {"operations": 32_768, "memory": 1 << 24}

with_minisign = pytest.mark.skipif(shutil.which("minisign") is None, reason="minisign is not installed")


def minisign(*arguments: object) -> str:
    command = ["minisign", *(str(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


# minisign's own


def test_minisigns_keys_and_signature_are_read_to_the_byte(tmp_path: Path) -> None:
    (tmp_path / "k.pub").write_text(PUBLIC)
    public = PublicKey.read(tmp_path / "k.pub")
    assert public == KEY.public
    assert (public.name, public.text()) == ("1D2612010248059A", PUBLIC)
    Signature.of_text(SIGNATURE).check(CONTENT, public)


def test_our_signature_is_minisigns_to_the_byte() -> None:
    ours = sign(CONTENT, KEY, "timestamp:1764000000\tfile:p.onnx\thashed")
    assert ours.text().splitlines()[1:] == SIGNATURE.splitlines()[1:]  # Ed25519 is deterministic; RFC 8032


def test_an_encrypted_key_of_minisign_opens_with_its_password_alone() -> None:
    assert SecretKey.of_text(ENCRYPTED, "secret").public.line == ENCRYPTED_PUBLIC
    with pytest.raises(PasswordError, match="the password is wrong"):
        SecretKey.of_text(ENCRYPTED, "Secret")
    with pytest.raises(PasswordError, match="needs its password"):
        SecretKey.of_text(ENCRYPTED, None)


def test_a_legacy_signature_is_refused_by_name() -> None:
    with pytest.raises(SignatureError, match="legacy kind"):
        Signature.of_text(LEGACY)


@with_minisign
def test_minisign_verifies_our_signature_and_we_verify_its(tmp_path: Path) -> None:
    file, key = tmp_path / "policy.onnx", SecretKey.new()
    file.write_bytes(CONTENT * 100)
    write_key(tmp_path / "key", key, None)
    signature_path(file).write_text(sign(file.read_bytes(), key, "ours").text())
    assert "ours" in minisign("-V", "-m", file, "-p", tmp_path / "key.pub")
    minisign("-V", "-m", file, "-P", key.public.line)
    minisign("-S", "-m", file, "-s", tmp_path / "key", "-t", "theirs")
    theirs = signature_beside(file)
    assert theirs is not None
    theirs.check(file.read_bytes(), key.public)
    assert theirs.comment == "theirs"


@with_minisign
def test_minisign_opens_our_encrypted_key(tmp_path: Path) -> None:
    (tmp_path / "policy.onnx").write_bytes(CONTENT)
    (tmp_path / "key").write_text(KEY.text("pässword", **CHEAP))
    command = ["minisign", "-S", "-m", str(tmp_path / "policy.onnx"), "-s", str(tmp_path / "key")]
    done = subprocess.run(command, input="pässword\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    made = signature_beside(tmp_path / "policy.onnx")
    assert made is not None
    made.check(CONTENT, KEY.public)


# What is refused


@settings(max_examples=300)
@given(at=st.integers(0, len(SIGNATURE) - 1), bit=st.integers(0, 6))
def test_a_signature_with_a_flipped_bit_verifies_only_if_it_is_in_the_untrusted_comment(at: int, bit: int) -> None:
    data = bytearray(SIGNATURE.encode())
    data[at] ^= 1 << bit
    comment = len("untrusted comment: "), SIGNATURE.index("\n")
    try:
        Signature.of_text(data.decode()).check(CONTENT, KEY.public)
    except SignatureError:
        return
    assert comment[0] <= at < comment[1]


@given(content=st.binary(max_size=64))
def test_a_signature_is_of_its_content_alone(content: bytes) -> None:
    signature = Signature.of_text(sign(content, KEY, "x").text())
    signature.check(content, KEY.public)
    for other in (
        content + b"\0",
        content[:-1] if content else b"0",
        bytes([*content[:-1], 255 - (content or b"0")[-1]]),
    ):
        with pytest.raises(SignatureError, match="not of this file"):
            signature.check(other, KEY.public)


def test_a_signature_by_another_key_is_refused_even_under_the_same_id() -> None:
    stranger = SecretKey.of_seed(KEY.public.key_id, bytes(32))
    with pytest.raises(SignatureError, match="not of this file"):
        sign(CONTENT, stranger, "x").check(CONTENT, KEY.public)
    with pytest.raises(SignatureError, match="not by 1D26"):
        sign(CONTENT, SecretKey.new(), "x").check(CONTENT, KEY.public)


@pytest.mark.parametrize("comment", ["two\nlines", "a\x1b[31m", "x" * 9000])
def test_a_comment_that_is_no_line_is_refused(comment: str) -> None:
    with pytest.raises(SignatureError, match="trusted comment"):
        sign(CONTENT, KEY, comment)


@pytest.mark.parametrize("text", ["", "x", SIGNATURE[:-20], SIGNATURE + "more\n", PUBLIC, KEY_FILE])
def test_what_is_no_signature_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SignatureError, match="valid: one of") as caught:
        Signature.of_text(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("password", [None, "päss wörd"])
def test_keys_are_read_as_they_were_written(password: str | None) -> None:
    key = SecretKey.new()
    assert SecretKey.of_text(key.text(password, **CHEAP), password) == key
    assert PublicKey.of_line(key.public.line) == key.public


def test_a_key_that_asks_for_more_memory_than_minisigns_is_refused() -> None:
    comment, line = KEY.text("x", **CHEAP).splitlines()
    data = bytearray(base64.b64decode(line))
    data[46:54] = (1 << 40).to_bytes(8, "little")
    with pytest.raises(SignatureError, match="more memory"):
        SecretKey.of_text(f"{comment}\n{base64.b64encode(data).decode()}\n", "x")
    with pytest.raises(SignatureError, match="more memory"):
        KEY.text("x", operations=1 << 40)


# Key files


def test_a_key_is_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_key(path, KEY, None)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path, None) == KEY
    assert not needs_password(path)
    before = path.read_bytes()
    for file in (path, public_path(path)):
        with pytest.raises(SignatureError, match="no key is overwritten"):
            write_key(path, SecretKey.new(), None)
        file.unlink()
        file.symlink_to(tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()
    assert before == KEY.text(None).encode()


def test_where_the_public_key_cannot_be_written_no_secret_one_is_left(tmp_path: Path) -> None:
    public_path(tmp_path / "key").mkdir()
    with pytest.raises(SignatureError, match="is there already"):
        write_key(tmp_path / "key", KEY, None)
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 20_000, PUBLIC.encode(), KEY_FILE[:-9].encode()])
def test_what_is_no_secret_key_is_refused_in_one_line_with_its_path(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(SignatureError) as caught:
        read_key(tmp_path / "key", None)
    assert str(caught.value).startswith(str(tmp_path / "key"))
    assert "\n" not in str(caught.value)


def test_a_key_that_cannot_be_written_whole_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SignatureError, match="No space left on device"):
            write_key(tmp_path / "a.key", SecretKey.new(), None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SignatureError, match="the key needs a name"):
        write_key(Path(), SecretKey.new(), None)
    write_key(tmp_path / "a.key", SecretKey.new(), None)
