"""Laws of targets behind ssh: a real sshd, the same checks as for a folder, and uploads that go on where they ended."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from flash_models import other_robot, write_policy
from small_wheel import small_wheel
from sshd import MISSING, Sshd, make_key, serving_ssh
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_target
from sim2real.configs.policy_reference import find_policy, shipped_policies
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.message import Answer, Request
from sim2real.runtime.flash.receive import offer_of, receive
from sim2real.runtime.flash.rollback import status
from sim2real.runtime.flash.ssh import RUNTIME, SshPlace
from sim2real.runtime.flash.terms import Terms
from sim2real.runtime.policy import OnnxPolicy, load_policy
from sim2real.runtime.run import run
from sim2real.runtime.signature.detached import sign, signature_path
from sim2real.runtime.signature.secret_key import SecretKey

KEY = SecretKey.of_seed(bytes(8), bytes(32))
SIM2REAL = str(Path(sys.executable).with_name("sim2real"))

with_sshd = pytest.mark.skipif(bool(MISSING), reason=MISSING or "-")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with serving_ssh(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def target_file(folder: Path, ssh: dict, **more: object) -> Path:
    path = folder / "dog.yaml"
    entries = {"name": "dog", "kind": "ssh", "path": str(folder / "robot"), "robot": "pendulum", "unsigned": "accept"}
    path.write_text(yaml.safe_dump(entries | {"ssh": ssh} | more))
    return path


def place(folder: Path, sshd: Sshd, **more: object) -> SshPlace:
    config = load_target(str(target_file(folder, sshd.settings(command=SIM2REAL), **more)))
    assert config.ssh is not None
    return SshPlace(config, config.ssh)


def command(*arguments: object, ok: bool = True) -> dict:
    result = CliRunner().invoke(app, [*(str(argument) for argument in arguments), "--json"])
    assert (result.exit_code == 0) == ok, result.output
    return json.loads(result.stdout)


# Over a real sshd


@with_sshd
@pytest.mark.slow
def test_the_commands_do_over_ssh_what_they_do_here(tmp_path: Path, sshd: Sshd) -> None:
    to = target_file(tmp_path, sshd.settings(command=SIM2REAL), trusted_keys=[KEY.public.line], unsigned="refuse")
    first, second = (write_policy(tmp_path / f"{number}.onnx", number) for number in range(2))
    assert "it is not signed" in command("flash", first, "--to", to, ok=False)["reasons"][0]
    for policy in (first, second):
        signature_path(policy).write_text(sign(policy.read_bytes(), KEY, "x").text())
        flashed = command("flash", policy, "--to", to)
    assert flashed["installed"]["signed_by"] == KEY.public.name
    assert flashed["on_trial"]
    assert (tmp_path / "robot" / "current" / "policy.onnx").read_bytes() == second.read_bytes()
    assert os.listdir(tmp_path / "robot" / "upload") == []
    shown = command("status", "--to", to)
    assert [slot["state"] for slot in shown["slots"]] == ["complete", "complete"]
    assert command("rollback", "--to", to)["installed"]["sha256"] == shown["slots"][0]["sha256"]
    digest = shown["slots"][0]["sha256"]
    assert command("revoke", digest[:10], "--to", to, "--why", "falls")["changed"]
    assert "marked bad here: falls" in command("flash", first, "--to", to, ok=False)["reasons"][0]
    command("revoke", digest, "--to", to, "--undo")
    assert [event["what"] for event in command("history", "--to", to)["events"]] == [
        *("installed", "installed", "went back", "revoked", "went back", "allowed")
    ]


@with_sshd
@pytest.mark.slow
def test_every_shipped_policy_is_flashed_over_ssh_and_runs_from_its_slot(tmp_path: Path, sshd: Sshd) -> None:
    for name in shipped_policies():
        robot = OnnxPolicy(find_policy(name)).contract.robot.name
        (tmp_path / name).mkdir()
        at = place(tmp_path / name, sshd, robot=robot)
        assert at.flash(find_policy(name)).slot.complete
        installed = tmp_path / name / "robot" / "current" / "policy.onnx"
        assert run(installed, robot, lockstep=True, plant="inertia", duration=0.1).ticks > 0


@with_sshd
@pytest.mark.slow
def test_an_installed_runtime_is_replaced_only_by_one_that_works(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "sshd").mkdir()
    with serving_ssh(tmp_path / "sshd", HOME=str(home)) as server:
        config = load_target(str(target_file(tmp_path, server.settings())))
        assert config.ssh is not None
        at = SshPlace(config, config.ssh)
        at.install_runtime(small_wheel(tmp_path, "1.0"))
        program = home / RUNTIME / "bin" / "sim2real"
        assert subprocess.check_output([program], text=True) == "sim2real 1.0\n"
        with pytest.raises(FlashError, match=r"2\.0-py3-none-any\.whl is not installed: this one does not work"):
            at.install_runtime(small_wheel(tmp_path, "2.0", broken=True))
        assert subprocess.check_output([program], text=True) == "sim2real 1.0\n"
        at.install_runtime(small_wheel(tmp_path, "4.0"))
        assert subprocess.check_output([program], text=True) == "sim2real 4.0\n"
    assert len(list((home / f"{RUNTIME}.d").iterdir())) == 1, "one environment is left"
    with pytest.raises(FlashError, match=r"gone\.whl: cannot be read"):
        at.install_runtime(tmp_path / "gone.whl")


@with_sshd
def test_what_keeps_a_robot_from_being_reached_is_one_line(tmp_path: Path, sshd: Sshd) -> None:
    make_key(tmp_path / "stranger")
    (tmp_path / "empty").touch()
    for settings, words in (
        (sshd.settings(known_hosts=str(tmp_path / "empty")), "cannot be reached: Host key verification failed"),
        (sshd.settings(identity=str(tmp_path / "stranger")), "cannot be reached: .*Permission denied"),
        (sshd.settings(port=1), "cannot be reached: ssh: connect to host 127.0.0.1 port 1: Connection refused"),
        (sshd.settings(command="/no/such/sim2real"), "there is no sim2real; install it there with"),
        (sshd.settings(command="true"), "did not answer as this version"),
    ):
        config = load_target(str(target_file(tmp_path, settings)))
        assert config.ssh is not None
        with pytest.raises(FlashError, match=words) as caught:
            SshPlace(config, config.ssh).status()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "robot").exists()


# The robot's side


def asked(folder: Path, content: bytes, sent: bytes) -> tuple[int, Answer]:
    """The robot's side with so much of the bytes before the connection ends: what it has, and its answer."""
    terms = Terms()
    request = Request(action="flash", path=str(folder), robot="pendulum", terms=terms, offer=offer_of(content, None))
    sink = io.BytesIO()
    answer = receive(io.BytesIO(request.model_dump_json().encode() + b"\n" + sent), sink)
    first, *_ = sink.getvalue().splitlines()
    return json.loads(first).get("have", -1), answer


def test_an_upload_that_was_cut_off_goes_on_where_it_ended(tmp_path: Path) -> None:
    folder, content = tmp_path / "robot", write_policy(tmp_path / "policy.onnx").read_bytes()
    at = 0
    for until in (0, 1, 1000, len(content) - 1):
        have, answer = asked(folder, content, content[at:until])
        assert have == at
        assert f"the connection ended after {until} of {len(content)} bytes" in str(answer.error)
        assert status(DirectoryTarget(folder)).active is None
        at = until
    have, answer = asked(folder, content, content[at:])
    assert (have, answer.error) == (at, None)
    assert load_policy(folder / "current" / "policy.onnx").size == len(content)
    assert os.listdir(folder / "upload") == []


def test_what_arrives_changed_is_thrown_away_and_nothing_is_switched(tmp_path: Path) -> None:
    folder, content = tmp_path / "robot", write_policy(tmp_path / "policy.onnx").read_bytes()
    _, answer = asked(folder, content, b"x" + content[1:])
    assert "is not what was sent" in str(answer.error)
    assert os.listdir(folder / "upload") == []
    assert asked(folder, content, content)[1].error is None


def test_the_robot_refuses_by_its_own_yaml_and_keeps_nothing_of_the_upload(tmp_path: Path) -> None:
    folder = tmp_path / "robot"
    content = write_policy(tmp_path / "policy.onnx", contract=other_robot()).read_bytes()
    assert "joints.pivot.effort_max: model 0.75" in str(asked(folder, content, content)[1].error)
    assert os.listdir(folder / "upload") == []


def test_uploads_that_never_went_on_do_not_pile_up(tmp_path: Path) -> None:
    for number in range(9):
        asked(tmp_path / "robot", bytes([number]) * 10, b"x")
    assert len(os.listdir(tmp_path / "robot" / "upload")) <= 5


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"\xff\n",
        b'{"protocol": 2, "action": "status", "path": "x", "robot": "pendulum", "terms": {}}',
        b'{"action": "erase", "path": "x", "robot": "pendulum", "terms": {}}',
    ],
)
def test_what_is_no_request_is_answered_in_one_line(line: bytes) -> None:
    sink = io.BytesIO()
    assert "not a request that this version of sim2real knows" in str(receive(io.BytesIO(line), sink).error)
    assert sink.getvalue().count(b"\n") == 1


@pytest.mark.parametrize("digest", ["../../etc/passwd", "a" * 63, "A" * 64])
def test_a_digest_that_is_none_never_becomes_a_path(digest: str, tmp_path: Path) -> None:
    request = json.loads(
        Request(action="flash", path=str(tmp_path / "r"), robot="pendulum", terms=Terms()).model_dump_json()
    )
    request["offer"] = {"sha256": digest, "size": 3, "signature": None}
    answer = receive(io.BytesIO(json.dumps(request).encode() + b"\nabc"), io.BytesIO())
    assert "offer.sha256" in str(answer.error)
    assert not (tmp_path / "r").exists()


def test_a_link_in_place_of_an_upload_is_not_followed(tmp_path: Path) -> None:
    content, folder = write_policy(tmp_path / "policy.onnx").read_bytes(), tmp_path / "robot"
    asked(folder, content, b"")
    part = folder / "upload" / f"{offer_of(content, None).sha256}.onnx"
    part.unlink()
    part.symlink_to(tmp_path / "victim")
    assert "symbolic links" in str(asked(folder, content, content)[1].error)
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("host", ["-oProxyCommand=touch x", "a b", "a;b", ""])
def test_a_host_that_ssh_would_take_for_an_option_is_refused(host: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"dog\.yaml:\d+: ssh\.host"):
        load_target(str(target_file(tmp_path, {"host": host})))


def test_ssh_and_its_block_go_together(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be given with kind: ssh"):
        load_target(str(target_file(tmp_path, {"host": "dog"}, kind="directory")))
    path = target_file(tmp_path, {"host": "dog"})
    path.write_text(
        "\n".join(line for line in path.read_text().splitlines() if "ssh:" not in line and "host" not in line)
    )
    with pytest.raises(UserError, match="must be given with kind: ssh"):
        load_target(str(path))


# With another program in the place of ssh


def with_program(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch, patience_s: float) -> SshPlace:
    program = folder / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    config = load_target(str(target_file(folder, {"host": "dog"})))
    assert config.ssh is not None
    return SshPlace(config, config.ssh, patience_s)


@pytest.mark.parametrize(
    "script",
    ["exec sleep 600", "read request; exec sleep 600", """read request; echo '{"have": 0}'; exec sleep 600"""],
    ids=["hears nothing", "answers nothing", "takes nothing"],
)
def test_a_robot_that_hangs_is_given_up_in_one_line(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = with_program(tmp_path, script, monkeypatch, patience_s=0.3)
    policy = tmp_path / "large.onnx"
    policy.write_bytes(write_policy(tmp_path / "small.onnx", 1).read_bytes() + bytes(4_000_000))
    with pytest.raises(FlashError, match=r"dog: no answer for 0\.3 s; whether anything changed there says"):
        at.flash(policy)
    with pytest.raises(FlashError, match=r"dog: (no answer for|did not answer as)"):
        at.status()


def test_what_a_shell_there_says_to_whoever_comes_in_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive_here = f"exec {SIM2REAL} receive"
    at = with_program(tmp_path, f"echo Welcome; echo; echo Ubuntu; {receive_here}", monkeypatch, patience_s=60.0)
    policy = write_policy(tmp_path / "policy.onnx", 1)
    assert at.flash(policy).slot.complete
    assert at.status().slots
