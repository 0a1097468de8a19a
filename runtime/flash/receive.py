"""The robot's side of a target behind ssh: one request from standard input, one answer to standard output."""

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Any, BinaryIO, Final

from pydantic import ValidationError

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.runtime.flash.directory import UPLOAD, DirectoryTarget
from sim2real.runtime.flash.durable import sync_folder
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.message import LINE_BYTES_MAX, RESULTS, Answer, Nothing, Offer, Request
from sim2real.runtime.flash.place import LocalPlace
from sim2real.runtime.flash.slot_files import digest_of_file, reason_of
from sim2real.runtime.signature.detached import signature_path

_BLOCK_BYTES: Final = 65_536
_UPLOADS_MAX: Final = 4


def receive(source: BinaryIO, sink: BinaryIO) -> Answer:
    """Take a request, do it, and answer. Whatever fails is an answer too, and so is a connection that ends early."""
    try:
        request = _request(source)
        root = Path(request.path).expanduser().absolute()
        place = LocalPlace(DirectoryTarget(root), load_robot(request.robot), request.terms)
        result = _done(request, place, root, source, sink)
        plain = RESULTS[request.action].dump_python(result, mode="json")
        answer = Answer(place=place.place, policy_path=place.policy_path, result=plain)
    except (UserError, OSError, RuntimeError) as error:
        answer = Answer(error=str(error) if isinstance(error, UserError) else reason_of(error))
    _say(sink, answer.model_dump_json())
    return answer


def _request(source: BinaryIO) -> Request:
    line = source.readline(LINE_BYTES_MAX)
    try:
        return Request.model_validate_json(line)
    except ValidationError as error:
        raise FlashError(f"not a request that this version of sim2real knows: {reason_of(error)}") from error


def _done(request: Request, place: LocalPlace, root: Path, source: BinaryIO, sink: BinaryIO) -> Any:  # noqa: ANN401 - by action
    if request.action == "flash":
        if request.offer is None:
            raise FlashError("a flash without a policy")
        return _flashed(request.offer, place, root, source, sink)
    if request.action == "rollback":
        return place.rollback()
    if request.action == "status":
        return place.status()
    if request.action == "revoke":
        return place.revoke(request.sha256, request.why)
    if request.action == "trust":
        return place.trust()
    place.allow(request.sha256)
    return Nothing()


def _flashed(offer: Offer, place: LocalPlace, root: Path, source: BinaryIO, sink: BinaryIO) -> Any:  # noqa: ANN401 - Installed
    """Take what is missing of a policy, check it, and flash it as from a file here."""
    with place.target.exclusive():
        (root / UPLOAD).mkdir(exist_ok=True)
        _forget_old(root / UPLOAD)
        sync_folder(root)
    part = root / UPLOAD / f"{offer.sha256}.onnx"
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FlashError(f"{root}: this policy is being uploaded already; try again later") from error
        _take(file, offer, part, source, sink)
        try:
            signature = signature_path(part)
            signature.unlink(missing_ok=True)
            if offer.signature is not None:
                signature.write_text(offer.signature, encoding="utf-8")
            return place.flash(part)
        finally:
            for used in (part, signature_path(part)):
                used.unlink(missing_ok=True)


def _forget_old(folder: Path) -> None:
    """Remove uploads that were cut off and never went on, but the newest few."""
    files = sorted(folder.iterdir(), key=lambda path: path.lstat().st_mtime)
    for old in files[:-_UPLOADS_MAX]:
        old.unlink()


def _take(file: BinaryIO, offer: Offer, part: Path, source: BinaryIO, sink: BinaryIO) -> None:
    """Append what follows of a policy to what is there; refuse it if it is another one at the end."""
    have = file.seek(0, os.SEEK_END)
    if have > offer.size:
        have = file.seek(0)
        file.truncate()
    free = os.statvfs(part.parent)
    if not offer.size - have <= free.f_bavail * free.f_frsize:
        raise FlashError(f"{part.parent}: has no room: {offer.size - have} bytes are needed")
    _say(sink, f'{{"have": {have}}}')
    while have < offer.size:  # bounded by the size
        block = source.read(min(_BLOCK_BYTES, offer.size - have))
        if not block:
            file.flush()
            raise FlashError(f"the connection ended after {have} of {offer.size} bytes; what is here is kept")
        file.write(block)
        have += len(block)
    file.flush()
    os.fsync(file.fileno())
    if digest_of_file(part)[0] != offer.sha256:
        part.unlink()
        raise FlashError("what has arrived is not what was sent, and was thrown away; flash it again")


def _say(sink: BinaryIO, line: str) -> None:
    try:
        sink.write(line.encode() + b"\n")
        sink.flush()
    except BrokenPipeError:
        pass  # the workstation is gone; what was asked for is done, or not, and `status` says which


def offer_of(content: bytes, signature: str | None) -> Offer:
    """Return the offer of a policy."""
    return Offer(sha256=hashlib.sha256(content).hexdigest(), size=len(content), signature=signature)
