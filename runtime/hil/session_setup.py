"""Where the tests of a pytest session run: in lockstep, on the emulator in real time, or on a bench."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from sim2real.configs.errors import UserError
from sim2real.configs.library import shipped_policies
from sim2real.configs.load import load_robot, load_task
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.robot_ports import port_paths
from sim2real.runtime.hil.bench import Bench
from sim2real.runtime.hil.policy_choice import loaded
from sim2real.runtime.policy import OnnxPolicy

Mode = Literal["lockstep", "realtime", "bench"]


@dataclass(frozen=True)
class SessionSetup:
    """Robot, mode and policy of a session."""

    robot: RobotConfig
    mode: Mode
    bench: Bench | None
    policy_reference: str | None

    @classmethod
    def of(
        cls,
        robot: str,
        *,
        policy: str | None = None,
        realtime: bool = False,
        ports: Sequence[str] = (),
        power_cycle: Sequence[str] = (),
        temperature_max: float = 50.0,
    ) -> Self:
        """Return the setup that pytest's options describe.

        Args:
            robot: A shipped name, or a YAML file.
            policy: A shipped name, or an ONNX file; by default the one that is shipped for the robot.
            realtime: Run on the emulator in real time.
            ports: `BUS=PATH` of a bench.
            power_cycle: See `Bench`.
            temperature_max: See `Bench`.

        Raises:
            UserError: Something does not exist or fit, or another session has the bench.
        """
        config = load_robot(robot)
        if ports and realtime:
            raise UserError("--realtime is the emulator, --port the bench: give one of them")
        if not ports:
            return cls(config, "realtime" if realtime else "lockstep", None, policy)
        return cls(config, "bench", Bench(config, port_paths(config, ports), temperature_max, power_cycle), policy)

    def policy(self) -> OnnxPolicy:
        """Return the policy under test. Raises UserError if there is none."""
        if self.policy_reference is not None:
            return loaded(self.policy_reference)
        fitting = [name for name in shipped_policies() if load_task(name).robot.name == self.robot.name]
        if len(fitting) != 1:
            raise UserError(f"robot {self.robot.name!r}: no policy is shipped for it; give --policy FILE")
        return loaded(fitting[0])

    def prepare(self) -> dict[str, str]:
        """Make sure that a test may begin; return what identifies the motors of a bench."""
        return {} if self.bench is None else self.bench.prepare()

    def close(self) -> None:
        """Release the bench."""
        if self.bench is not None:
            self.bench.close()
