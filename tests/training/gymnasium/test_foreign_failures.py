"""Laws of environments that fail: one error names the environment and what failed, and what was learned is kept."""

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

import sim2real
from sim2real.configs.errors import UserError
from sim2real.training.gymnasium.foreign_code import running
from sim2real.training.gymnasium.registry import made, spec_of

SMALL = ("environments=2", "evaluation_episodes=1", "threads=1", "algorithm.rollout_steps=8", "algorithm.minibatches=1")


class Failing(gymnasium.Env):
    """Fails in one method, after some steps."""

    observation_space = Box(-1.0, 1.0, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)
    fails, after = "", 12

    def __init__(self):
        self.steps = 0
        self._perhaps("making it")

    def _perhaps(self, method):
        if self.fails == method and self.steps >= (self.after if method == "step" else 0):
            self.fail()

    def fail(self):
        raise ValueError("my own bug")

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._perhaps("reset")
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.steps += 1
        self._perhaps("step")
        wide = self.fails == "shape" and self.steps > self.after
        return np.zeros(3 if wide else 2, np.float32), 0.0, False, self.steps % 5 == 0, {}

    def close(self):
        self._perhaps("close")


def failing(method, **attributes):
    return type("Failing", (Failing,), {"fails": method, **attributes})


def exits(self):
    raise SystemExit(0)


@pytest.mark.parametrize("fail", [Failing.fail, exits])
@pytest.mark.parametrize("method", ["making it", "reset", "step"])
def test_what_an_environment_raises_is_one_error_that_names_it_and_its_line(method, fail, tmp_path):
    with pytest.raises(UserError, match=rf"(?s)\S.*: {method} failed:\nTraceback.*test_foreign_failures.py"):
        sim2real.train(failing(method, fail=fail), overrides=(*SMALL, "steps=64"), runs_dir=tmp_path, name="run")


def test_an_observation_that_does_not_fit_is_called_that(tmp_path):
    with pytest.raises(UserError, match="an observation does not fit its observation_space"):
        sim2real.train(failing("shape"), overrides=(*SMALL, "steps=64"), runs_dir=tmp_path, name="run")


def test_a_run_whose_environment_failed_before_the_first_checkpoint_was_due_goes_on(tmp_path):
    mended = failing("step")
    with pytest.raises(UserError, match=r"saved before: .*run/checkpoints/000000.pt"):
        sim2real.train(mended, overrides=(*SMALL, "steps=64"), runs_dir=tmp_path, name="run")
    mended.fails = ""
    assert sim2real.train(mended, runs_dir=tmp_path, resume="run").steps == 64


def test_an_environment_that_cannot_be_closed_costs_nothing(tmp_path, capsys):
    report = sim2real.train(failing("close"), overrides=(*SMALL, "steps=16"), runs_dir=tmp_path, name="run")
    assert report.policy.is_file()
    said = capsys.readouterr().err
    assert "close failed" in said
    assert "my own bug" in said


@pytest.mark.parametrize("lost", [EOFError(), BrokenPipeError(), ConnectionResetError()])
def test_a_process_of_an_environment_that_has_ended_is_called_that(lost):
    with pytest.raises(UserError, match="mine: step failed: a process of it has ended:"), running("mine", "step"):
        raise lost


def test_an_id_whose_module_or_constructor_fails_is_named(tmp_path, monkeypatch):
    (tmp_path / "broken_envs.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=r"(?s)gym/broken_envs:Mine-v0: importing broken_envs failed:.*ZeroDivision"):
        spec_of("broken_envs:Mine-v0")
    gymnasium.register("FailsWhenMade-v0", entry_point=failing("making it", fail=exits))
    with pytest.raises(UserError, match="gym/FailsWhenMade-v0: making it failed"):
        made("FailsWhenMade-v0")
