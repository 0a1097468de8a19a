"""Worlds of a study, applied to a task; held-out worlds are excluded from training."""

from collections.abc import Iterable
from dataclasses import dataclass

from sim2real.configs.errors import UserError
from sim2real.configs.schema.parameter import ParameterConfig
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.schema.transfer import WorldChangeConfig, WorldConfig
from sim2real.model.addresses import free_base
from sim2real.model.model import compile_spec, load_spec

_OF_SERVOS = ("controller_stiffness", "controller_damping")
"""Parameters that apply only to position-controlled servos."""

_OF_DRY_FRICTION = ("joint_friction",)
"""Parameters that do not apply with another friction model."""


@dataclass(frozen=True)
class World:
    """A world applied to one task."""

    config: WorldConfig
    task: TaskConfig
    randomization: RandomizationConfig
    pins: dict[str, float]
    """Values of the world's changes by parameter, SI."""


def worlds_of(
    configs: Iterable[WorldConfig], task: TaskConfig, randomization: RandomizationConfig
) -> tuple[dict[str, World], dict[str, str]]:
    """Return the worlds of a task, and the reasons for worlds that do not apply, both by name.

    Args:
        configs: The worlds of the study.
        task: The task of training.
        randomization: The randomisation of training.
    """
    free = free_base(compile_spec(load_spec(task.robot), task.robot), task.robot) is not None
    worlds, left_out = {}, {}
    for config in configs:
        if config.robots is not None and task.robot.name not in config.robots:
            left_out[config.name] = f"it is for {', '.join(config.robots)}"
            continue
        reasons = [_refusal(change, task, randomization, free=free) for change in config.changes]
        changes = [change for change, reason in zip(config.changes, reasons, strict=True) if not reason]
        if config.changes and not changes and not _other_physics(config):
            left_out[config.name] = "; ".join(dict.fromkeys(reason for reason in reasons if reason))
            continue
        pins = {change.parameter: _value(change, randomization) for change in changes}
        entries = tuple(
            _at(entry, pins.get(entry.parameter, entry.calibration))
            if config.calibrated or entry.parameter in pins
            else entry
            for entry in randomization.parameters
            if not (config.friction == "lugre" and entry.parameter in _OF_DRY_FRICTION)
        )
        entries += tuple(_added(change) for change in changes if randomization.entry(change.parameter) is None)
        world = randomization.model_copy(update={"name": config.name, "parameters": entries})
        worlds[config.name] = World(config, _task(config, task), world, pins)
    return worlds, left_out


def exclude_held_out(randomization: RandomizationConfig, worlds: Iterable[World]) -> RandomizationConfig:
    """Return a randomisation with limits halfway between its range and each held-out world.

    A curriculum may exceed the range towards these worlds, but never reaches one.

    Raises:
        UserError: The range itself contains a held-out world.
    """
    held_out = [world for world in worlds if world.config.held_out]
    entries = tuple(_exclude(entry, held_out, randomization.name) for entry in randomization.parameters)
    return randomization.model_copy(update={"parameters": entries})


def _exclude(entry: ParameterConfig, held_out: list[World], name: str) -> ParameterConfig:
    (low, high), (lowest, highest) = entry.bounds, entry.hard_limits
    for world in held_out:
        value = world.pins.get(entry.parameter)
        if value is None:
            continue
        if value > high:
            highest = min(highest, 0.5 * (high + value))
        elif value < low:
            lowest = max(lowest, 0.5 * (low + value))
        else:
            raise UserError(
                f"world {world.config.name!r} is not held out: randomization {name!r} draws {entry.parameter} from "
                f"{low:g} to {high:g}, which contains {value:g}; valid: a value outside"
            )
    if (lowest, highest) == entry.hard_limits:
        return entry
    limits = tuple(_amount(entry, limit) for limit in (lowest, highest))
    return entry.model_copy(update={"limits": limits})


def _refusal(change: WorldChangeConfig, task: TaskConfig, randomization: RandomizationConfig, *, free: bool) -> str:
    """Return why a change does not apply to a task, or an empty string."""
    if change.base is not None and (change.base == "free") != free:
        return f"the robot's base is {'free' if free else 'fixed'}"
    if change.robots is not None and task.robot.name not in change.robots:
        return f"{change.parameter} is not for robot {task.robot.name}"
    if change.parameter in _OF_SERVOS and task.action.target == "effort":
        return "the policy commands effort, not positions"
    if change.times is not None and randomization.entry(change.parameter) is None:
        return f"its randomization has no {change.parameter}"
    return ""


def _other_physics(config: WorldConfig) -> bool:
    return bool(config.integrator or config.timestep_share or config.friction)


def _task(config: WorldConfig, task: TaskConfig) -> TaskConfig:
    physics = task.physics
    update = {
        "timestep": physics.timestep * (config.timestep_share or 1.0),
        "integrator": config.integrator or physics.integrator,
        "friction": config.friction or physics.friction,
    }
    return task.model_copy(update={"physics": physics.model_copy(update=update)})


def _value(change: WorldChangeConfig, randomization: RandomizationConfig) -> float:
    """Return the value of a change, SI."""
    entries = [entry for entry in randomization.parameters if entry.parameter == change.parameter]
    if change.times is not None:
        return change.times * max(entry.bounds[1] for entry in entries)
    added = _added(change)
    if any(entry.application != added.application for entry in entries):
        raise UserError(
            f"randomization {randomization.name!r}: {change.parameter} is not applied as in the study's worlds; "
            f"valid: {added.application}"
        )
    return added.bounds[0]


def _added(change: WorldChangeConfig) -> ParameterConfig:
    """Return the randomisation entry of a change with a value."""
    if change.value is None:
        raise ValueError(f"{change.parameter} has no value")
    return ParameterConfig(parameter=change.parameter, range=(change.value, change.value))


def _at(entry: ParameterConfig, value: float) -> ParameterConfig:
    """Return an entry with a single value, SI."""
    amount = _amount(entry, value)
    return ParameterConfig(
        parameter=entry.parameter,
        elements=entry.elements,
        shared=entry.shared,
        apply=entry.apply,
        range=(amount, amount),
    )


def _amount(entry: ParameterConfig, value: float) -> float | str:
    """Return an SI value as written in YAML."""
    return float(value) if entry.unit is None else f"{float(value)!r} {entry.unit}"
