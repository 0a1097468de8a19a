"""Laws of the supervisor's bench: torque does go off, and what it cannot judge is refused; how fast, no test says."""

import math

import pytest

from sim2real.benchmark.supervisor import ENDINGS, bench_supervisor
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot


@pytest.mark.realtime
def test_torque_goes_off_whatever_ends_the_run_or_its_supervisor():
    endings = ("out_of_memory", "supervisor_killed")
    measured = bench_supervisor([(load_robot("pendulum"), "pendulum_swingup")], 1, endings=endings)
    assert set(measured["figures"]) == {f"pendulum/{ending}" for ending in endings}
    for figures in measured["figures"].values():
        assert len(figures["torque_off_ms"]) == 1
        assert 0.0 <= figures["worst_ms"] < math.inf


def test_a_robot_that_is_not_to_go_limp_is_refused():
    robot = load_robot("quadruped")
    robot = robot.model_copy(update={"safety": robot.safety.model_copy(update={"on_death": "damp"})})
    with pytest.raises(UserError, match=r"quadruped: safety\.on_death is damp"):
        bench_supervisor([(robot, "quadruped_walk")], 1)


def test_an_unknown_ending_is_refused():
    with pytest.raises(UserError, match=f"ending 'kill' is not a choice.*valid: {', '.join(ENDINGS)}"):
        bench_supervisor([(load_robot("pendulum"), "pendulum_swingup")], 1, endings=("kill",))
