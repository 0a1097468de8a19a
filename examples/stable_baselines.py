"""Train with Stable-Baselines3 on our environment: one batch of robots, not n copies of one.

Needs `pip install 'sim2real[bench]'`.

Prints, for example:
    PPO took 4096 steps on 32 robots
    its mean action in the first step: -0.05
"""

import stable_baselines3

import sim2real
from sim2real.envs.stable_baselines import StableBaselinesEnv


def main() -> None:
    """Train PPO for a few seconds."""
    robots = sim2real.make_env("pendulum_swingup", num_envs=32, randomization="pendulum", seed=0)
    env = StableBaselinesEnv(robots)
    model = stable_baselines3.PPO("MlpPolicy", env, n_steps=64, batch_size=512, n_epochs=4, seed=0, device="cpu")
    model.learn(4_096)
    print(f"PPO took {model.num_timesteps} steps on {env.num_envs} robots")
    observation, _ = robots.reset(seed=1)
    actions, _ = model.predict(observation, deterministic=True)
    print(f"its mean action in the first step: {float(actions.mean()):.2f}")
    env.close()


if __name__ == "__main__":
    main()
