"""Laws of what a caller asks of an environment: obeyed, or refused in one line; never ignored, never stretched."""

import copy
import os
import pickle
import select
import signal
import subprocess
import sys
import warnings
from functools import partial

import numpy as np
import pytest

import sim2real
from sim2real.configs.errors import UserError
from sim2real.reference.env import ReferenceEnv


@pytest.fixture(params=["single", "vector", "reference"])
def env(request):
    made = {
        "single": lambda: sim2real.make_env("so101_reach"),
        "vector": lambda: sim2real.make_env("so101_reach", num_envs=3, threads=1),
        "reference": lambda: ReferenceEnv("Hopper-v5", 3, threads=1),
    }[request.param]()
    made.reset(seed=1)
    return made


def test_an_action_of_the_very_shape_is_taken_whatever_its_type(env):
    shape = env.action_space.shape
    for action in (np.zeros(shape, np.float32), np.zeros(shape), np.zeros(shape, int), np.zeros(shape).tolist()):
        env.step(action)


def test_an_action_of_another_shape_is_not_stretched(env):
    shape = env.action_space.shape
    for wrong in (0.1, np.zeros(1), np.zeros((*shape, 1)), np.zeros(int(np.prod(shape)) + 1), np.zeros((1, *shape))):
        with pytest.raises(ValueError, match=r"an action of shape .*; valid: \("):
            env.step(wrong)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_action_that_is_no_number_is_refused_with_its_place(env, value):
    action = np.zeros(env.action_space.shape)
    action.reshape(-1)[-1] = value
    with pytest.raises(ValueError, match=f"is {value}; valid: finite numbers"):
        env.step(action)


@pytest.mark.parametrize("kind", [complex, "U1", object, "M8[s]"])
def test_an_action_of_other_than_real_numbers_is_refused(env, kind):
    """Once the text '1' and a date were taken for numbers, and the imaginary part was dropped."""
    with pytest.raises(ValueError, match=r"an action of type .*; valid: real numbers"):
        env.step(np.zeros(env.action_space.shape, kind))


def test_a_number_beyond_float32_is_refused_as_it_was_given(env):
    with pytest.raises(ValueError, match=r"is 1e\+300; valid: finite numbers of float32"):
        env.step(np.full(env.action_space.shape, 1e300))


def test_two_seeds_never_mean_the_same_episodes(env):
    assert (env.reset(seed=2**40)[0] != env.reset(seed=2**40 + 2**32)[0]).any()
    with pytest.raises(ValueError, match=f"seed: {2**64}; valid: 0 to {2**64 - 1}"):
        env.reset(seed=2**64)


@pytest.mark.parametrize("options", [5, "x", [1], ()])
def test_options_that_are_no_dict_are_refused(env, options):
    with pytest.raises(TypeError, match="valid: None or a dict"):
        env.reset(options=options)


def test_unknown_options_of_a_reset_are_refused_by_name(env):
    env.reset(options={})
    with pytest.raises(ValueError, match=r"(no option is known, given:|no option) colour"):
        env.reset(options={"colour": 1})


@pytest.fixture
def vector():
    made = sim2real.make_env("pendulum_swingup", num_envs=4, threads=1, render_mode="rgb_array")
    made.reset(seed=1)
    return made


def test_a_reset_mask_starts_its_environments_anew_and_lets_the_others_go_on(vector):
    """Once it was ignored: all episodes began anew."""
    for _ in range(3):
        before = vector.step(np.zeros(vector.action_space.shape))[0]
    mask = np.array([True, False, False, True])
    after, _ = vector.reset(options={"reset_mask": mask})
    assert (after[~mask] == before[~mask]).all()
    assert (after[mask] != before[mask]).any(axis=1).all()
    assert vector.episodes.length.tolist() == [0, 3, 3, 0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"reset_mask": np.ones(3, bool)}, r"bool of shape \(3,\); valid: bool of shape \(4,\)"),
        ({"reset_mask": np.ones(4)}, "float64 of shape"),
        ({"reset_mask": np.zeros(4, bool)}, "at least one True"),
    ],
)
def test_an_invalid_mask_is_refused(vector, options, said):
    with pytest.raises(ValueError, match=said):
        vector.reset(options=options)
    with pytest.raises(ValueError, match="share one seed"):
        vector.reset(seed=1, options={"reset_mask": np.ones(4, bool)})


@pytest.mark.parametrize("made", [lambda: sim2real.make_env("pendulum_swingup", num_envs=2)])
def test_a_copy_of_a_vector_is_refused_with_what_to_do(made):
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied: make one where it is needed"):
            copied(made())


def _unpickled(env):
    return pickle.loads(pickle.dumps(env))  # noqa: S301 - its own


@pytest.mark.parametrize("copied", [_unpickled, copy.deepcopy, copy.copy])
def test_a_copy_of_a_single_environment_goes_on_as_the_original_would(copied):
    env = sim2real.make_env("pendulum_swingup", randomization="pendulum", seed=3)
    env.reset(seed=5)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1.0, 1.0, (60, *env.action_space.shape)).astype(np.float32)
    for action in actions[:20]:
        env.step(action)
    twin = copied(env)
    for action in actions[20:]:
        (mine, *rest), (theirs, *others) = env.step(action), twin.step(action)
        assert (mine == theirs).all()
        assert rest == others
    assert (env.reset()[0] == twin.reset()[0]).all()


def forked(child):
    """What a function returns in a forked child; a child that hangs fails the test."""
    readable, writable = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that a fork with threads may hang is what is tested
        pid = os.fork()
    if pid == 0:
        try:
            answer = repr(child())
        except Exception as error:  # noqa: BLE001 - the answer is the error
            answer = f"{type(error).__name__}: {error}"
        os.write(writable, answer.encode())
        os._exit(0)
    os.close(writable)
    try:
        ready, _, _ = select.select([readable], [], [], 60.0)
        assert ready, "the forked child hangs"
        return os.read(readable, 10_000).decode()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(readable)


def test_a_forked_child_has_a_simulation_of_its_own_or_an_error_and_never_hangs():
    single = sim2real.make_env("pendulum_swingup", seed=1)
    single.reset(seed=2)
    single.step(np.zeros(1))
    step = partial(single.step, np.ones(1, np.float32))
    seen = forked(step)
    assert seen == repr(step())
    vector = sim2real.make_env("pendulum_swingup", num_envs=4, threads=2, seed=1)
    vector.reset()
    for use in (vector.reset, lambda: vector.step(np.zeros((4, 1)))):
        assert forked(use).startswith("RuntimeError: this environment was made in another process")
    vector.step(np.zeros((4, 1)))


def test_a_forked_child_of_a_process_that_rendered_has_an_error_and_never_hangs():
    """Once its first image waited forever for the graphics driver's threads, which are in the parent."""
    single = sim2real.make_env("pendulum_swingup", render_mode="rgb_array", seed=1)
    vector = sim2real.make_env("pendulum_swingup", num_envs=2, threads=1, render_mode="rgb_array")
    for env, said in (
        (single, "UserError: cannot render: this process was forked"),
        (vector, "RuntimeError: this env"),
    ):
        env.reset()
        env.render()
        assert forked(env.render).startswith(said)
        assert forked(env.close) == "None"
        env.close()


def test_a_forked_child_renders_where_its_parent_did_not():
    code = (
        "import os, sim2real\n"
        "env = sim2real.make_env('pendulum_swingup', render_mode='rgb_array', seed=1)\n"
        "env.reset()\n"
        "if os.fork() == 0:\n    print(env.render().shape, flush=True)\n    os._exit(0)\n"
        "assert os.wait()[1] == 0\n"
    )
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=300.0)
    assert run.stdout == "(480, 640, 3)\n", run.stderr


@pytest.mark.parametrize("end", ["del env", "sys.exit()", "env.close()"])
def test_a_forked_child_may_drop_a_vector_whose_threads_are_in_its_parent(end):
    """Once it was aborted: 'thread::join failed'."""
    code = (
        "import os, sys, sim2real\n"
        "env = sim2real.make_env('pendulum_swingup', num_envs=2, threads=2)\n"
        f"if os.fork() == 0:\n    {end}\n    sys.exit()\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]))\n"
    )
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=300.0)
    assert (run.stdout, run.stderr) == ("0\n", "")


def test_other_render_modes_are_refused_with_those_that_are_valid():
    for number in (None, 2):
        with pytest.raises(UserError, match="'human'; valid: None, 'rgb_array'"):
            sim2real.make_env("pendulum_swingup", num_envs=number, render_mode="human")


def test_a_vector_renders_an_image_of_each_environment(vector):
    frames = vector.render()
    assert len(frames) == 4
    assert all(frame.shape == (480, 640, 3) and frame.std() > 1.0 for frame in frames)
    assert (frames[0] != frames[1]).any()
    vector.close()
    assert sim2real.make_env("pendulum_swingup", num_envs=2).render() is None


def test_a_renderer_without_its_library_matters_only_when_something_is_rendered():
    """Once MUJOCO_GL=osmesa without the library was a traceback of 58 lines, whatever the command."""
    code = (
        "import sim2real, numpy as np\n"
        "env = sim2real.make_env('pendulum_swingup', render_mode='rgb_array')\n"
        "env.reset(); env.step(np.zeros(1)); print('stepped')\n"
        "try:\n    env.render()\nexcept sim2real.UserError as error:\n    print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"MUJOCO_GL": "osmesa"},
        capture_output=True,
        text=True,
        check=True,
    )
    stepped, *rest = run.stdout.splitlines()
    assert stepped == "stepped"
    if rest:  # without the library
        assert rest[0].startswith("cannot render: MUJOCO_GL is osmesa, whose library is not installed")
