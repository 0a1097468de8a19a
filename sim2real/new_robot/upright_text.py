"""Makes the first task of a floating base: walk at a commanded velocity, stand, or balance when pushed."""

from collections.abc import Iterator

import mujoco
import numpy as np

from sim2real.new_robot.draft_robot import STEP_RATE, DraftRobot, task_head


def upright_task(robot: DraftRobot, name: str, kind: str) -> Iterator[str]:
    """Yield a task of a floating base: walk at a commanded velocity, stand, or balance when pushed."""
    speed = robot.speed
    said = {
        "walk": "Walk at a commanded velocity and yaw rate.",
        "stand": "Stand still in the start pose.",
        "balance": "Stay upright when pushed.",
    }[kind]
    yield from task_head(robot, name, said, 10.0)
    if kind == "walk":
        yield f"phase_frequency: {STEP_RATE:g} Hz # a step with each foot"
        yield "commands: # m/s forward, m/s to the left, rad/s to the left"
        yield f"  forward: {{range: [{-speed:g}, {speed:g}]}}"
        yield f"  left: {{range: [{-speed / 2:g}, {speed / 2:g}]}}"
        yield "  turn: {range: [-0.8, 0.8]}"
        yield "command_source: {kind: uniform, hold: [3 s, 8 s], zero_share: 0.1}"
        yield from _gait(robot)
    yield "observation:"
    yield "  - {term: gyro, scale: 0.5}"
    yield "  - {term: projected_gravity}"
    yield from ("  - {term: command, scale: 2.0}",) if kind == "walk" else ()
    yield "  - {term: joint_position}"
    yield "  - {term: joint_velocity, scale: 0.2}"
    yield "  - {term: last_action}"
    yield from ("  - {term: phase}",) if kind == "walk" else ()
    feet = "feet, " if kind == "walk" and robot.walks_by_gait else ""
    yield f"privileged: [base_velocity, base_height, {feet}parameters{', disturbance' if kind != 'stand' else ''}]"
    yield "action: {target: effort}" if robot.by_effort else "action: {target: position, scale: 0.5 rad}"
    yield "reset: {around: default, position: [-5 deg, 5 deg], velocity: [0 rad/s, 0 rad/s], start_pose_share: 0.2}"
    yield "rewards:"
    yield from _upright_rewards(robot, kind)
    if kind == "walk":
        yield "reward_min: -2.5"
        yield "performance: {term: velocity_tracking, scale: 0.2}"
        yield "metrics: [velocity_error]"
    yield "terminations:"
    yield "  - {term: tilted, limit: 1.0} # rad"
    yield f"  - {{term: low, limit: {0.5 * robot.height:.3g}}} # m: half of the height in the start pose"
    yield "termination_penalty: 1.0"
    yield "goal: {kind: upright, tolerance: 45 deg, hold: 10 s}"


def _gait(robot: DraftRobot) -> Iterator[str]:
    if not robot.walks_by_gait:
        return
    yield "gait:"
    yield f"  lift: {max(5, round(robot.lift * 1e3))} mm"
    given = ", ".join(f"{foot}: {offset:g}" for foot, offset in zip(robot.config.feet, _offsets(robot), strict=True))
    yield f"  offsets: {{{given}}} # check: which feet step together"


def _offsets(robot: DraftRobot) -> list[float]:
    """Return the share of a cycle by which each foot is late: neighbours around the robot step in turn."""
    plant = robot.plant
    model, feet = plant.model, robot.config.feet
    data = mujoco.MjData(model)
    data.qpos[:] = plant.start.qpos
    mujoco.mj_kinematics(model, data)
    places = np.array([data.geom(robot.config.in_model(foot)).xpos[:2] for foot in feet])
    away = places - places.mean(axis=0)
    angles = np.round(np.arctan2(away[:, 1], away[:, 0]), 6) % (2.0 * np.pi)
    order = np.argsort(np.argsort(angles, kind="stable"), kind="stable")
    if len(feet) % 2 == 0:
        first = order[0] % 2
        return [0.5 * float((place + first) % 2) for place in order]
    return [round(float(place) / len(feet), 4) for place in order]


def _upright_rewards(robot: DraftRobot, kind: str) -> Iterator[str]:
    if kind == "walk":
        yield f"  - {{term: velocity_tracking, weight: 10.0, scale: {0.25 * robot.speed:.2g}}}"
        yield f"  - {{term: velocity_tracking, weight: 3.0, scale: {0.75 * robot.speed:.2g}}}"
        yield "  - {term: yaw_rate_tracking, weight: 6.0, scale: 0.25}"
        if robot.walks_by_gait:
            # The reward counts the errors of all feet: as on four legs, standing earns the same share on others.
            lift = robot.lift * (len(robot.config.feet) / 4.0) ** 0.5
            yield f"  - {{term: gait_tracking, weight: 5.0, scale: {lift / 2:.2g}}}"
            yield f"  - {{term: gait_tracking, weight: 5.0, scale: {lift * 1.3:.2g}}}"
            yield "  - {term: foot_slip, weight: -0.25}"
    yield "  - {term: alive, weight: 1.0}"
    yield f"  - {{term: upright, weight: {-10.0 if kind == 'walk' else -4.0}}}"
    yield f"  - {{term: base_height, weight: -100.0, scale: {robot.height:.3g}}} # of the start pose"
    yield "  - {term: vertical_velocity, weight: -2.0}"
    yield "  - {term: roll_pitch_rate, weight: -0.1}"
    yield "  - {term: action_rate, weight: -0.15}"
    yield "  - {term: effort, weight: -0.1}"
    deviation = {"walk": -0.25, "stand": -1.0, "balance": -0.1}[kind]
    yield f"  - {{term: pose_deviation, weight: {deviation}}}"
    if kind == "stand":
        yield "  - {term: joint_velocity, weight: -0.02}"
