"""Attacks on flashing: killed at every call that writes and at random times, cut off at any byte, tampered with.

Every attempt runs in a child process, on a copy of a robot that holds two policies, and dies by SIGKILL. Afterwards the
robot must hold two whole policies, the active one the old or the new, and must be able to go back.
"""

import io
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import sim2real.runtime.flash.directory as directory
from sim2real.benchmark.flash_tampering import Tampering
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.policy_reference import policy_file
from sim2real.runtime.contract.model_file import with_digest
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.flash.message import Request
from sim2real.runtime.flash.receive import offer_of, receive
from sim2real.runtime.flash.rollback import rollback, status
from sim2real.runtime.flash.terms import Terms
from sim2real.runtime.model_trial import try_model

POLICY: Final = "pendulum_swingup"
ROBOT: Final = load_robot("pendulum")
WRITES: Final = ("open", "write", "fsync", "mkdir", "rmdir", "unlink", "symlink", "rename", "replace")
"""Every call by which flashing changes a file system, but the exchange of two folders, which is counted with them."""

_CALLS_MAX: Final = 200  # a flash makes some fifty
_COUNTED: Final = "exchange"

Attempt = Callable[[Path], None]


def bench_flash(times: int, seed: int, every: int = 1, writes_every: int = 1) -> dict[str, Any]:
    """Attack flashing in every way.

    Args:
        times: Kills at random times, and uploads cut off at random bytes, for each kind of target.
        seed: Of the random times.
        every: Tamper with each so many bytes and lengths alone; 1 for all.
        writes_every: Kill at each so many calls that write alone; 1 for all.

    Returns:
        `ratios`: the shares of attempts that left a broken robot, lost the policy to go back to, or were taken although
        they were tampered with. `figures`: what was tried and what was active afterwards.

    Raises:
        UserError: A flash that nobody attacked failed, or what was tampered with changed anything.
    """
    with tempfile.TemporaryDirectory() as name:
        campaign = _Campaign(Path(name), random.Random(seed))  # noqa: S311 - times of kills
        figures: dict[str, Any] = {"seed": seed}
        for kind, attempt in (("folder", campaign.flash_here), ("ssh", campaign.flash_received)):
            figures[f"{kind}_writes"] = campaign.at_writes(attempt, writes_every)
            figures[f"{kind}_random"] = campaign.at_random_times(attempt, times)
        figures["ssh_cut_off"] = campaign.cut_off(times)
        figures["tampered"] = tampered = campaign.tampered(every)
    kills = [figures[key] for key in figures if key.endswith(("writes", "random", "cut_off"))]
    tried = sum(each["tried"] for each in kills)
    return {
        "ratios": {
            "broken_share": sum(each["broken"] for each in kills) / tried,
            "fallback_lost_share": sum(each["fallback_lost"] for each in kills) / tried,
            "tampered_taken_share": sum(each["taken"] for each in tampered.values())
            / sum(each["tried"] for each in tampered.values()),
        },
        "figures": figures,
    }


class _Campaign:
    """A robot with two policies, a third to flash, and a folder for copies of the robot."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._folder, self._rng = folder, rng
        content = policy_file(POLICY).read_bytes()
        self._policies = [folder / f"{number}.onnx" for number in range(3)]
        for number, path in enumerate(self._policies):
            # A text for people, `ModelProto.doc_string` of onnx.proto: the same policy with other bytes.
            path.write_bytes(with_digest(content + b"\x32\x01" + str(number).encode()))
            try_model(path, path.read_bytes())  # here, and not in each child
        self._digests = [offer_of(path.read_bytes(), None).sha256 for path in self._policies]
        self._base = folder / "base"
        for path in self._policies[:2]:
            if _in_child(partial(flash, path, ROBOT, DirectoryTarget(self._base))) != 0:
                raise UserError("bench flash: the policies to begin with cannot be flashed")

    def flash_here(self, robot: Path) -> None:
        """Flash the third policy into a folder."""
        flash(self._policies[2], ROBOT, DirectoryTarget(robot))

    def flash_received(self, robot: Path, until: int | None = None) -> None:
        """Flash it as the robot's side of ssh does, with so many of its bytes before the connection ends."""
        content = self._policies[2].read_bytes()
        offer = offer_of(content, None)
        request = Request(action="flash", path=str(robot), robot=ROBOT.name, terms=Terms(), offer=offer)
        receive(io.BytesIO(request.model_dump_json().encode() + b"\n" + content[:until]), io.BytesIO())

    def at_writes(self, attempt: Attempt, every: int) -> dict[str, int]:
        """Kill attempts before their calls that write, and within their writes."""
        tally: Counter[str] = Counter()
        for within in (False, True):
            for number in range(0, _CALLS_MAX, every):
                robot = self._copy()
                code = _in_child(partial(_armed, attempt, robot, number, within))
                if code == 0:
                    break
                if code != -signal.SIGKILL:
                    raise UserError(f"bench flash: an attempt ended with {code}")
                self._judge(robot, tally)
        return _shown(tally)

    def at_random_times(self, attempt: Attempt, times: int) -> dict[str, int]:
        """Kill attempts at times from their begin to a little after their end."""
        tally: Counter[str] = Counter()
        robot, begun = self._copy(), time.monotonic()
        if _in_child(lambda: attempt(robot)) != 0:
            raise UserError("bench flash: a flash that nobody attacked failed")
        taken_s = time.monotonic() - begun
        for _ in range(times):
            copy = self._copy()
            _in_child(partial(attempt, copy), kill_after=self._rng.uniform(0.0, 1.2 * taken_s))
            self._judge(copy, tally)
        return _shown(tally)

    def cut_off(self, times: int) -> dict[str, int]:
        """End the connection after a random byte, a few times in a row; the last upload is whole."""
        tally: Counter[str] = Counter()
        size = self._policies[2].stat().st_size
        for _ in range(times):
            robot = self._copy()
            until = self._rng.randrange(size)
            _in_child(partial(self.flash_received, robot, until))
            self._judge(robot, tally)
        return _shown(tally)

    def tampered(self, every: int) -> dict[str, dict[str, int]]:
        """Change bytes, lengths, metadata, signatures, links and names; count what a target that trusts a key takes."""
        content, held = self._policies[2].read_bytes(), self._policies[0].read_bytes()
        return Tampering(self._folder, ROBOT, self._base, content, held).count(every)

    def _copy(self) -> Path:
        robot = self._folder / "robot"
        shutil.rmtree(robot, ignore_errors=True)
        shutil.copytree(self._base, robot, symlinks=True)
        return robot

    def _judge(self, robot: Path, tally: Counter[str]) -> None:
        """Count how a robot was left."""
        tally["tried"] += 1
        target = DirectoryTarget(robot)
        old, new = self._digests[1], self._digests[2]
        try:
            found = status(target, ROBOT)
            held = {slot.name: slot.manifest.sha256 for slot in found.slots if slot.complete and slot.manifest}
            active = held.get(found.active) if found.active is not None else None
            if found.problem is not None or active not in (old, new):
                raise UserError(str(found.problem))
        except UserError:
            tally["broken"] += 1
            return
        tally["new" if active == new else "old"] += 1
        try:
            rollback(target, ROBOT)
        except UserError:
            tally["fallback_lost"] += 1


def _armed(attempt: Attempt, robot: Path, number: int, within: bool) -> None:
    """Make an attempt that dies at its n-th call that writes: before it, or in the middle of what it writes."""
    calls = 0

    def deadly(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any call
            nonlocal calls
            if calls == number and (name == "write" or not within):
                if within:
                    original(args[0], bytes(args[1])[: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            calls += name == "write" or not within
            return original(*args, **kwargs)

        return call

    for name in WRITES:
        setattr(os, name, deadly(name, getattr(os, name)))
    found = vars(directory)  # the name that the folder's code calls
    found[_COUNTED] = deadly(_COUNTED, found[_COUNTED])
    attempt(robot)


def _in_child(act: Callable[[], object], kill_after: float | None = None) -> int:
    """Run something in a child process; return its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001 - the parent judges by what is on the disk
            os._exit(1)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _shown(tally: Counter[str]) -> dict[str, int]:
    return {key: tally[key] for key in ("tried", "old", "new", "broken", "fallback_lost")}
