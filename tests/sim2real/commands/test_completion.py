"""Laws of completion: real shells offer commands, names and keys, and never write a complaint into the prompt."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2real.commands.completion import SCRIPTS, Shell
from sim2real.commands.root import app

BIN = Path(sys.executable).parent

# Prints what a shell would offer after Tab at the end of a line.
ASK = {
    Shell.BASH: """
eval "$(sim2real completion bash)"
COMP_LINE=$1; COMP_POINT=${#COMP_LINE}; compopt() { :; }
_sim2real_completion sim2real
printf '%s\\n' "${COMPREPLY[@]}"
""",
    Shell.ZSH: """
autoload -U compinit; compinit -u -D
eval "$(sim2real completion zsh)"
words=("${(@s: :)1}"); CURRENT=$#words
compadd() { while [[ $1 != -a ]]; do shift; done; print -l -- "${(@P)2}" }
_files() { print -- FILES }
_sim2real_completion
""",
    Shell.FISH: """
sim2real completion fish | source
complete --do-complete "$argv[1]" | string replace --regex '\\t.*' ''
""",
}
RUN = {
    Shell.BASH: ["bash", "--norc", "-c", ASK[Shell.BASH], "-"],
    Shell.ZSH: ["zsh", "-f", "-c", ASK[Shell.ZSH], "-"],
    Shell.FISH: ["fish", "--no-config", "-c", ASK[Shell.FISH]],
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "runs" / "first").mkdir(parents=True)
    (tmp_path / "runs" / "first" / "config.yaml").write_text("name: pendulum_ppo\n")
    (tmp_path / "desk_arm.yaml").write_text("name: desk_arm\n")
    return tmp_path


def offered(shell: Shell, line: str, here: Path) -> list[str]:
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(here), "TERM": "dumb"}
    done = subprocess.run(
        [*RUN[shell], line], cwd=here, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert "not supported" not in done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.slow
@pytest.mark.parametrize("shell", Shell)
def test_a_real_shell_offers_commands_names_and_keys(shell: Shell, here: Path) -> None:
    if shutil.which(shell.value) is None:
        pytest.skip(f"no {shell.value} on this machine")
    assert offered(shell, "sim2real tra", here) == ["train"]
    assert "desk_arm.yaml" in offered(shell, "sim2real emulate de", here)
    assert offered(shell, "sim2real train pendulum_ppo --set algorithm.ga", here) == ["algorithm.gae_lambda="]


CASES = {
    "tra": ["train"],
    "train pendulum_p": ["pendulum_ppo"],
    "train --resume fi": ["first"],
    "eval pendulum_s": ["pendulum_swingup"],
    "eval fi": ["first"],
    "report fi": ["first"],
    "run pendulum_swingup --robot pen": ["pendulum"],
    "emulate desk": ["desk_arm.yaml"],
    "emulate --motor xl330_m0": ["xl330_m077"],
    "hil pendulum_los": ["pendulum_lossy_bus", "pendulum_lost_replies"],
    "hil pendulum_swingup pendulum_lossy": ["pendulum_lossy_bus"],
    "flash pendulum_swingup --to pen": ["pendulum"],
    "motors set-id --to pen": [],
    "motors move so101 elbow_flex=30deg gr": ["gripper="],
    "motors test so101 --joint gr": ["gripper"],
    "new experiment pendulum_swingup --algorithm sa": ["sac"],
    "new scenario pendulum_sw": ["pendulum_swingup"],
    "config show robo": ["robots"],
    "config show robots quad": ["quadruped"],
    "train pendulum_ppo --set ste": ["steps="],
    "train pendulum_ppo --set task.robot.joints.pi": ["task.robot.joints.pivot."],
    "train pendulum_ppo --set algorithm.rollout": ["algorithm.rollout_steps="],
    "run pendulum_swingup --robot pendulum --set joints.pivot.effort_l": ["joints.pivot.effort_limit="],
    "completion z": ["zsh"],
    "emulate ./de": [],  # a path is completed by the shell
}


@pytest.mark.parametrize("line", CASES)
def test_what_may_follow_is_offered(line: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)
    environment = {
        "_SIM2REAL_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": f"sim2real {line}",
    }
    from typer.completion import get_completion_inspect_parameters

    get_completion_inspect_parameters()
    result = CliRunner().invoke(app, [], prog_name="sim2real", env=environment)
    assert [word.partition("\t")[0] for word in result.stdout.splitlines() if word] == CASES[line]


@pytest.mark.parametrize("shell", Shell)
def test_the_script_says_where_it_goes(shell: Shell) -> None:
    result = CliRunner().invoke(app, ["completion", shell.value])
    assert result.exit_code == 0
    head, *rest = result.stdout.splitlines()
    comment = rest[0] if head.startswith("#compdef") else head
    assert comment.startswith("# ")
    assert f"sim2real completion {shell.value}" in comment
    assert SCRIPTS[shell].splitlines()[-1] in result.stdout


def test_another_shell_is_refused_with_those_there_are() -> None:
    result = CliRunner().invoke(app, ["completion", "tcsh"])
    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in result.stderr
    assert result.stderr.count("\n") == 1
