"""A run in lockstep at about the pace of real time, with the operator process beside it: no bus is ever late."""

import threading
import time

from sim2real.configs.load import load_robot
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.operator.briefing import Briefing
from sim2real.runtime.operator.process import operator_process
from sim2real.runtime.policy import load_policy
from sim2real.runtime.ring import SharedRing
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.stop import StopRequest
from sim2real.runtime.tick_fields import row_layout

POLICIES = {
    "pendulum": "pendulum_swingup",
    "quadruped": "quadruped_walk",
    "so101": "so101_reach",
    "hopper_leg": "hopper_hop",
}


class OnVirtualTime:
    """An operator's box whose signs of life are on the run's virtual clock."""

    def __init__(self, box, clock):
        self._box, self._clock = box, clock

    def __getattr__(self, name):
        return getattr(self._box, name)

    @property
    def alive_ns(self):
        age_ns = time.monotonic_ns() - self._box.alive_ns
        return -1 if self._box.alive_ns < 0 else max(self._clock.now_ns() - age_ns, 0)


class Operated:
    """Use it as a context; `robot` is a shipped one."""

    def __init__(self, robot="quadruped", *, devices=(), panel=None, plant="inertia"):
        self.robot, self.policy = load_robot(robot), load_policy(POLICIES[robot])
        self.world = lockstep(self.robot, plant=plant)
        self.ring = SharedRing(row_layout(self.policy.contract))
        self.stop = StopRequest()
        self.report = self.error = None
        briefing = Briefing.of(self.policy.contract, self.robot, waits=True)
        self._beside = operator_process(briefing, self.ring.fd, devices=devices, panel=panel)
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.process = self._beside.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop.stop("test")
        self._thread.join(30.0)
        self._beside.__exit__(None, None, None)
        self.ring.close()

    def join(self, seconds=30.0):
        """Wait for the end of the run; return its report."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the run does not end"
        assert self.error is None, self.error
        return self.report

    @property
    def driven(self):
        """Whether any motor drives, as the emulated motors see it."""
        return any(motor.driven for motor in self.world.emulated.motors.values())

    def _run(self):
        sleep, rate = self.world.clock.sleep_until_ns, self.policy.contract.control_rate

        def paced(deadline_ns):
            sleep(deadline_ns)
            time.sleep(0.3 / rate)

        self.world.clock.sleep_until_ns = paced
        operator = OnVirtualTime(self.process.box, self.world.clock)
        options = RunOptions(ring=self.ring, operator=operator, wait_for_start=True, stop=self.stop)
        try:
            self.report = run_session(self.policy, self.robot, self.world.hardware, self.world.clock, options)
        except BaseException as error:  # noqa: BLE001 - shown by `join`
            self.error = error
