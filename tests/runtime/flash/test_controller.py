"""Laws of controllers: the reference receiver and sim2real, byte for byte, and power that is cut in every write."""

import hashlib
import json
import os
import tty
from pathlib import Path
from typing import Any

import pytest
import serial
from controllers import COMPILER, compiled, powered
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.runtime.flash.controller import Controller
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.serial_place import SerialPlace

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")

IMAGES = [bytes(range(number, 200 + number)) * 3 + b"\xff" * number for number in range(3)]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("controller"))


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.weights" for number in range(3)]
    for path, content in zip(paths, IMAGES, strict=True):
        path.write_bytes(content)
    return paths


def command(*arguments: object, ok: bool = True) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*(str(each) for each in arguments), "--json"])
    assert (result.exit_code == 0) == ok, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_flash_status_and_rollback_tell_the_same_story(program: Path, images: list[Path], tmp_path: Path) -> None:
    with powered(program, tmp_path / "memory") as port:
        to = f"serial://{port}"
        assert "no image is active" in command("status", "--to", to, ok=False)["reasons"][0]
        first = command("flash", images[0], "--to", to)
        assert (first["changed"], first["previous"], first["installed"]["size"]) == (True, None, len(IMAGES[0]))
        assert not command("flash", images[0], "--to", to)["changed"]
        second = command("flash", images[1], "--to", to)
        assert second["previous"]["sha256"] == first["installed"]["sha256"]
    with powered(program, tmp_path / "memory") as port:  # it was switched off and on
        to = f"serial://{port}"
        shown = command("status", "--to", to)
        assert [slot["state"] for slot in shown["slots"]] == ["complete", "complete"]
        assert [slot["active"] for slot in shown["slots"]] == [False, True]
        assert command("rollback", "--to", to)["installed"]["sha256"] == first["installed"]["sha256"]
        assert command("flash", images[1], "--to", to)["installed"]["slot"] == "slot_b"  # it was there already
        text = CliRunner().invoke(app, ["status", "--to", to]).stdout
        assert f"active  slot_b  {len(IMAGES[1])} bytes, SHA-256 " in text


def test_power_cut_in_any_write_leaves_the_old_image_or_the_new(
    program: Path, images: list[Path], tmp_path: Path
) -> None:
    memory = tmp_path / "memory"
    with powered(program, memory) as port:
        for image in images[:2]:
            SerialPlace(port).flash(image)
    base, old, new, cuts = memory.read_bytes(), IMAGES[1], IMAGES[2], 0
    for cut in range(1, 100):
        memory.write_bytes(base)
        try:
            with powered(program, memory, cut) as port:
                SerialPlace(port).flash(images[2])
            break  # it has no so many writes
        except FlashError:
            cuts += 1
        with powered(program, memory) as port:
            found = SerialPlace(port).status()
            (active,) = (slot for slot in found.slots if slot.name == found.active)
            assert active.image is not None
            assert active.image.sha256 in (hashlib.sha256(old).hexdigest(), hashlib.sha256(new).hexdigest())
            assert active.complete
            SerialPlace(port).flash(images[2])
            after = SerialPlace(port).status()
        assert new in memory.read_bytes()
        assert after.active == "slot_a"
    assert cuts >= 10  # head, erasure, blocks with their marks, the turn


def test_an_upload_goes_on_where_it_ended_and_bytes_are_checked(
    program: Path, images: list[Path], tmp_path: Path
) -> None:
    image = IMAGES[0]
    digest = hashlib.sha256(image).hexdigest()
    with powered(program, tmp_path / "memory") as port, serial.Serial(port) as wire:
        controller = Controller(wire, "it")
        assert controller.begin(image, digest) == 0
        assert controller.send(0, image[:256]) == 256
        assert controller.send(512, image[512:]) == 256, "out of order: it says where to go on"
        wire.write(b"S2D\x04\x01partial")  # a frame that was cut off
    with powered(program, tmp_path / "memory") as port, serial.Serial(port) as wire:
        wire.write(b"S2S2D\xff")
        controller = Controller(wire, "it")
        assert controller.begin(image, digest) == 256
        with pytest.raises(FlashError, match="holds no whole image"):
            controller.commit()
        assert controller.send(256, image[256:512]) == 512
        assert controller.send(512, b"\xff" * (len(image) - 512)) == len(image)
        with pytest.raises(FlashError, match="received something else"):
            controller.commit()
        assert controller.hello().active is None
        with pytest.raises(FlashError, match="has no room"):
            controller.begin(bytes(1 << 20), digest)


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("serial://", "is no controller; valid: serial://PORT"),
        ("serial:///dev/null?baudrate=fast", "is no controller"),
        ("serial:///dev/no_such_port", "No such file or directory"),
    ],
)
def test_a_port_that_is_none_is_one_line(to: str, message: str, images: list[Path]) -> None:
    (reason,) = command("flash", images[0], "--to", to, ok=False)["reasons"]
    assert message in reason
    assert "\n" not in reason


def test_a_port_that_says_nothing_is_one_line(images: list[Path], tmp_path: Path) -> None:
    near, far = os.openpty()
    tty.setraw(far)
    port = os.ttyname(far)
    (reason,) = command("status", "--to", f"serial://{port}", ok=False)["reasons"]
    assert "does not answer; is its program the one with the receiver" in reason
    with serial.Serial(port, exclusive=True):
        (reason,) = command("status", "--to", f"serial://{port}", ok=False)["reasons"]
        assert "another program has this port" in reason
    os.close(near)
    (reason,) = command("status", "--to", f"serial://{port}", ok=False)["reasons"]
    assert "Input/output error" in reason or "No such file" in reason
    os.close(far)
