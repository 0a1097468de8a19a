"""The cases of `bench learn`: sides, what is compared, and what is required of the ratio."""

from dataclasses import dataclass
from typing import Final, Literal

from sim2real.training.benchmark.side import Side

OURS: Final = "sim2real"
SB3: Final = "stable_baselines3"
SB3_CONTRIB: Final = "sb3_contrib"
RSL_RL: Final = "rsl_rl"

_SOLVED_S: Final = 60.0


@dataclass(frozen=True)
class Case:
    """A comparison of our side, the first one, with the best of the others."""

    name: str
    what: str
    figure: str
    sides: tuple[Side, ...]
    bar: float
    """Required of the ratio."""
    better: Literal["more", "less"] = "more"
    """Whether the ratio has to be at least, or at most, the bar."""
    cpu_figure: str | None = None
    """The same per CPU time, which another process on the machine hardly changes."""

    @property
    def peers(self) -> set[str]:
        """Packages that it needs beside ours."""
        return {side.peer for side in self.sides if side.peer is not None}


def cases(seconds: float, seeds: int) -> tuple[Case, ...]:
    """Return all cases.

    Args:
        seconds: Time of a side that is measured for its speed.
        seeds: How often InvertedPendulum is learned.
    """
    return (
        _ppo_speed("ppo_halfcheetah", "HalfCheetah-v5", seconds, 10.0),
        _ppo_speed("ppo_ant", "Ant-v5", seconds, 5.0),
        Case(
            "ppo_quadruped_walk",
            "PPO on quadruped_walk, the same environment and settings: steps/s, at rsl_rl's better thread count",
            "steps_per_s",
            (
                Side(OURS, "ours", "robot_speed", {"experiment": "quadruped_walk", "seconds": seconds}),
                *(
                    Side(
                        f"{RSL_RL}_{threads}",
                        "rsl_rl_side",
                        "robot_speed",
                        {"experiment": "quadruped_walk", "seconds": seconds, "threads": threads},
                        threads=threads,
                        peer=RSL_RL,
                    )
                    for threads in (1, 2)
                ),
            ),
            1.25,
            cpu_figure="steps_per_cpu_s",
        ),
        _updates("sac", 1, 1.5),
        _updates("sac", 2, 1.4),
        _updates("td3", 1, 1.5),
        _updates("ddpg", 1, 1.5),
        Case(
            "trpo_updates",
            "TRPO on rollouts of 2048 steps, 64-64, whole Fisher-vector products: updates/s",
            "updates_per_s",
            (
                Side(OURS, "ours", "trpo_updates", {"updates": 20}),
                Side(SB3_CONTRIB, "stable_baselines", "trpo_updates", {"updates": 20}, peer=SB3_CONTRIB),
            ),
            5.0,
        ),
        Case(
            "ppo_return_45s",
            "PPO on HalfCheetah-v5 for 45 s: return of ten evaluated episodes",
            "return",
            _of_both("speed", {"task": "HalfCheetah-v5", "seconds": 45.0}),
            5.0,
        ),
        *(
            Case(
                f"inverted_pendulum_{seed}",
                "PPO on InvertedPendulum-v5: s until ten evaluated episodes return 950 on the mean",
                "seconds",
                _of_both("solved", {"task": "InvertedPendulum-v5", "bar": 950.0, "seconds": _SOLVED_S, "seed": seed}),
                1.0 / 3.0,
                better="less",
                cpu_figure="cpu_seconds",
            )
            for seed in range(seeds)
        ),
        _own("gru_quadruped_walk", "a GRU of 64 against no memory", 0.6, seconds, "algorithm.memory={kind: gru}"),
        _own("busy_core", "another process taking a core, against none", 0.75, seconds),
        *(
            Case(
                f"parity_{name}",
                "largest difference between onnxruntime and torch on recorded sequences, over 1e-5",
                "parity",
                (Side(OURS, "ours", "parity", {"experiment": experiment, "settings": settings}),),
                1.0,
                better="less",
            )
            for name, experiment, settings in _POLICIES
        ),
    )


_SHORT: Final = ("environments=16", "steps=800", "algorithm.rollout_steps=16")
_POLICIES: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("feed_forward", "quadruped_walk", _SHORT),
    ("gru", "quadruped_walk", (*_SHORT, "algorithm.memory={kind: gru}")),
    ("lstm", "quadruped_walk", (*_SHORT, "algorithm.memory={kind: lstm}")),
    ("squashed", "pendulum_sac", ("environments=16", "steps=3200", "algorithm.warmup=64")),
)
PARITY_BOUND: Final = 1e-5


def _of_both(function: str, settings: dict[str, object]) -> tuple[Side, Side]:
    return (
        Side(OURS, "ours", function, settings),
        Side(SB3, "stable_baselines", function, settings, threads=2, peer=SB3),
    )


def _ppo_speed(name: str, task: str, seconds: float, bar: float) -> Case:
    sides = _of_both("speed", {"task": task, "seconds": seconds})
    what = f"PPO on {task}, 64-64, end to end: steps/s, against eight environments with its defaults"
    return Case(name, what, "steps_per_s", sides, bar, cpu_figure="steps_per_cpu_s")


def _updates(algorithm: str, threads: int, bar: float) -> Case:
    settings = {"algorithm": algorithm, "updates": 500, "threads": threads}
    sides = (
        Side(OURS, "ours", "off_policy_updates", settings, threads=threads),
        Side(SB3, "stable_baselines", "off_policy_updates", settings, threads=threads, peer=SB3),
    )
    of_threads = f"{threads} thread{'s' if threads > 1 else ''}"
    what = f"{algorithm.upper()}, batch 256, 2×256: gradient updates/s, torch on {of_threads}"
    cpu = "updates_per_cpu_s" if threads == 1 else None  # waiting threads spin
    return Case(f"{algorithm}_updates_{threads}", what, "updates_per_s", sides, bar, cpu_figure=cpu)


def _own(name: str, what: str, bar: float, seconds: float, *settings: str) -> Case:
    """Return a comparison of us with ourselves on quadruped_walk."""
    base = {"experiment": "quadruped_walk", "seconds": seconds}
    sides = (
        Side(OURS, "ours", "robot_speed", base | {"settings": settings}, busy=not settings),
        Side(f"{OURS}_plain", "ours", "robot_speed", base),
    )
    cpu = "steps_per_cpu_s" if settings else None  # another process costs no CPU time of this one
    return Case(name, f"PPO on quadruped_walk: steps/s, {what}", "steps_per_s", sides, bar, cpu_figure=cpu)
