"""Train a policy for a few seconds, look at its export, evaluate it, and run the file on the emulated robot.

A real training takes minutes: `sim2real.train("pendulum_ppo")`.

Prints, for example:
    trained 8192 steps into runs/example-20260101-120000/policy.onnx, onnxruntime and torch agree to 1.2e-07
    it observes joint_position, joint_position_sin, joint_position_cos, joint_velocity, last_action at 100 Hz
    none: return -11.01, success 0%
    on the emulated motor: 101 ticks, ended in RUNNING
"""

from datetime import datetime

import sim2real


def main() -> None:
    """Go from an experiment to a run of its policy."""
    report = sim2real.train(
        "pendulum_ppo",
        overrides=("environments=64", "steps=8192", "evaluation_episodes=16"),
        name=f"example-{datetime.now().astimezone():%Y%m%d-%H%M%S}",
    )
    agree = f"onnxruntime and torch agree to {report.parity:.1e}"
    print(f"trained {report.steps} steps into {report.policy}, {agree}")

    contract = sim2real.load_policy(report.policy).contract
    terms = ", ".join(dict.fromkeys(term.term for term in contract.observation))
    print(f"it observes {terms} at {contract.control_rate:g} Hz")

    row = sim2real.evaluate(report.policy, episodes=16).row("none")
    print(f"none: return {row.return_mean:.2f}, success {row.success:.0%}")

    run = sim2real.run(report.policy, "pendulum", lockstep=True, duration=1.0)
    print(f"on the emulated motor: {run.ticks} ticks, ended in {run.final_state.name}")


if __name__ == "__main__":
    main()
