"""What somebody may have changed: a policy's bytes, its metadata, its signature, the links and names around it."""

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.configs.policy_reference import policy_file
from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.manifest import PROVENANCE_KEY
from sim2real.runtime.contract.model_file import metadata_of, with_digest, with_metadata
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.flash.message import Request
from sim2real.runtime.flash.receive import offer_of, receive
from sim2real.runtime.flash.rollback import status
from sim2real.runtime.flash.terms import Terms
from sim2real.runtime.flash.trust import Trust
from sim2real.runtime.signature.detached import sign, signature_path
from sim2real.runtime.signature.secret_key import SecretKey

_OTHER_POLICY: Final = "so101_reach"
_LINKED: Final = (
    *("slot_a", "slot_b", "current", "incoming", "outgoing", "upload"),
    *("record.json", "record.new", ".lock"),
    *("slot_a/policy.onnx", "slot_b/manifest.json", "slot_b/policy.onnx.minisig"),
)
"""What is in a robot's folder, and may be a link to somewhere else."""
_NAMES: Final = ("../../outside/kept", "/outside", "..", "a" * 63 + "/", "A" * 64)


@dataclass(frozen=True)
class Attack:
    """Something that must be refused."""

    kind: str
    attempt: Callable[[], str]
    """Returns the reason of the refusal; empty if it was taken."""


class Tampering:
    """Attacks on one robot, whose target trusts one key.

    Args:
        folder: For the files of the attacks.
        robot: Whose policies they are.
        base: A folder with two policies; copied.
        content: A policy that the robot does not hold.
        held: One that it holds.
    """

    def __init__(self, folder: Path, robot: RobotConfig, base: Path, content: bytes, held: bytes) -> None:
        self._robot, self._base, self._root = robot, base, folder / "tampered"
        self._policy, self._outside = folder / "tampered.onnx", folder / "outside"
        self._key = SecretKey.new()
        self._terms = Terms(trust=Trust(keys=(self._key.public.line,)))
        self._content, self._held = content, held
        self._signature = sign(content, self._key, "bench").text()

    def count(self, every: int) -> dict[str, dict[str, int]]:
        """Try everything; return for each kind how much was tried, and how much was taken.

        Args:
            every: Only each so many bytes and lengths.

        Raises:
            UserError: Something was switched, harmed outside of the robot's folder, or refused without a reason.
        """
        found: dict[str, dict[str, int]] = {}
        self._fresh()
        before = self._state()
        for attack in self._attacks(every):
            row = found.setdefault(attack.kind, {"tried": 0, "taken": 0})
            row["tried"] += 1
            reason = attack.attempt()
            row["taken"] += not reason
            if "\n" in reason:
                raise UserError(f"bench flash: {attack.kind}: was refused in more than one line: {reason}")
            if attack.kind in ("links", "names"):
                self._fresh()
            elif self._state() != before:
                raise UserError(f"bench flash: {attack.kind}: something that was tampered with was switched to")
        return found

    def _attacks(self, every: int) -> Iterator[Attack]:
        content, signature = self._content, self._signature
        for at in range(0, len(content), every):
            yield self._of_file("bytes", content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :], signature)
        for length in range(0, len(content), every):
            yield self._of_file("lengths", content[:length], signature)
        for changed in self._other_metadata():
            yield self._of_file("metadata", changed, signature)
        foreign = policy_file(_OTHER_POLICY).read_bytes()
        yield self._of_file("metadata", foreign, sign(foreign, self._key, "bench").text())
        yield from self._of_signatures(every)
        for name in _LINKED:
            for attempt in (self._flash, self._receive):
                yield Attack("links", lambda name=name, attempt=attempt: self._linked(name, attempt))  # type: ignore[misc]
        for name in _NAMES:
            yield Attack("names", lambda name=name: self._receive(sha256=name))  # type: ignore[misc]

    def _other_metadata(self) -> Iterator[bytes]:
        """Yield the policy with metadata of another, and with its own changed; the digest inside fits again."""
        provenance = json.loads(metadata_of(self._content)[PROVENANCE_KEY]) | {"steps": "1"}
        other = metadata_of(policy_file(_OTHER_POLICY).read_bytes())
        for entries in (
            {PROVENANCE_KEY: json.dumps(provenance)},
            *({key: value} for key, value in other.items()),
            other,
        ):
            yield with_digest(with_metadata(self._content, entries))
            yield with_metadata(self._content, entries)

    def _of_signatures(self, every: int) -> Iterator[Attack]:
        content, text = self._content, self._signature
        yield self._of_file("signatures", content, sign(self._held, self._key, "bench").text())
        yield self._of_file("signatures", content, sign(content, SecretKey.new(), "bench").text())
        first = text.index("\n") + 1  # the line before is minisign's untrusted comment
        for at in range(first, len(text) - 1, every):
            yield self._of_file("signatures", content, text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :])
        for length in range(0, len(text) - 1, every):
            yield self._of_file("signatures", content, text[:length])

    def _of_file(self, kind: str, content: bytes, signature: str) -> Attack:
        def attempt() -> str:
            self._policy.write_bytes(content)
            signature_path(self._policy).write_text(signature)
            return self._flash()

        return Attack(kind, attempt)

    def _flash(self) -> str:
        try:
            flash(self._policy, self._robot, DirectoryTarget(self._root), terms=self._terms)
        except UserError as error:
            return str(error)
        return ""

    def _receive(self, sha256: str | None = None) -> str:
        content = self._content
        offer = offer_of(content, self._signature)
        request = Request(action="flash", path=str(self._root), robot=self._robot.name, terms=self._terms, offer=offer)
        asked: dict[str, Any] = request.model_dump(mode="json")
        if sha256 is not None:
            asked["offer"]["sha256"] = sha256
        return receive(io.BytesIO(json.dumps(asked).encode() + b"\n" + content), io.BytesIO()).error or ""

    def _linked(self, name: str, attempt: Callable[[], str]) -> str:
        """Let something in the robot's folder be a link to what is outside, and flash a policy that is fine."""
        path, outside = self._root / name, self._outside / Path(name).name
        if path.is_symlink():
            outside = self._outside / "slot_a"
            shutil.copytree(self._root / "slot_a", outside)
            path.unlink()
        elif path.is_dir():
            shutil.copytree(path, outside)
            shutil.rmtree(path)
        elif path.exists():
            shutil.copy(path, outside)
            path.unlink()
        else:
            outside.mkdir()
            for number in range(9):
                (outside / str(number)).write_text("kept")
        os.symlink(outside, path)
        self._policy.write_bytes(self._content)
        signature_path(self._policy).write_text(self._signature)
        before = _listing(self._outside)
        reason = attempt()
        if _listing(self._outside) != before:
            raise UserError(f"bench flash: {name} was a link, and what is outside of the robot's folder was changed")
        return reason

    def _fresh(self) -> None:
        for folder in (self._root, self._outside):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self._base, self._root, symlinks=True)
        self._outside.mkdir()

    def _state(self) -> str | None:
        return status(DirectoryTarget(self._root)).active


def _listing(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
