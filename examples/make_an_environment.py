"""Make environments of a task: one for `gymnasium`, or hundreds that step together on native threads.

Observations and actions are those of the robot's runtime, bit for bit.

Prints, for example:
    one robot: observations (47,), actions (12,), return 7.12 in 50 steps
    64 robots, randomised: observations (64, 47), mean reward 0.25 a step
"""

import numpy as np

import sim2real

STEPS = 50


def main() -> None:
    """Step a quadruped that does nothing, once and 64 times at a time."""
    env = sim2real.make_env("quadruped_walk", seed=0)
    observation, _ = env.reset()
    action = np.zeros(env.action_space.shape or (), np.float32)
    total = 0.0
    for _ in range(STEPS):
        observation, reward, terminated, truncated, _ = env.step(action)
        total += reward
        if terminated or truncated:
            observation, _ = env.reset()
    print(f"one robot: observations {observation.shape}, actions {action.shape}, return {total:.2f} in {STEPS} steps")
    env.close()

    many = sim2real.make_env("quadruped_walk", num_envs=64, randomization="quadruped", seed=0)
    many.reset()
    actions = np.zeros(many.action_space.shape or (), np.float32)
    rewards = [many.step(actions)[1].mean() for _ in range(STEPS)]
    shape = many.observation_space.shape
    print(f"64 robots, randomised: observations {shape}, mean reward {np.mean(rewards):.2f} a step")
    many.close()


if __name__ == "__main__":
    main()
