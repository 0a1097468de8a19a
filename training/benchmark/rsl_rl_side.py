"""rsl_rl's side of the comparison: its PPO on our environment, with the settings of the experiment."""

from typing import Any

import torch
from rsl_rl.runners import OnPolicyRunner
from tensordict import TensorDict
from torch import Tensor

from sim2real.configs.load import load_experiment
from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.training.benchmark.paid_env import PaidEnv
from sim2real.training.benchmark.side import Stopwatch, serve


class OurEnvironment:
    """Our batch behind rsl_rl's `VecEnv`; observations and privileged values are views of its own buffers."""

    def __init__(self, environment: PaidEnv, episode_steps: int) -> None:
        self.environment = environment
        self.num_envs, self.num_actions = environment.num_envs, environment.action_size
        self.max_episode_length, self.device = episode_steps, "cpu"
        self.cfg: dict[str, Any] = {}
        environment.reset_arrays(0)
        environment.stagger()
        self.episode_length_buf = torch.zeros(self.num_envs, dtype=torch.long)

    def get_observations(self) -> TensorDict:
        """Return what actor and critic see."""
        observation = torch.from_numpy(self.environment.simulation.transition.observation)
        privileged = torch.from_numpy(self.environment.privileged)
        return TensorDict({"policy": observation.clone(), "critic": privileged.clone()}, batch_size=self.num_envs)

    def step(self, actions: Tensor) -> tuple[TensorDict, Tensor, Tensor, dict[str, Any]]:
        """Take a step of all environments."""
        out = self.environment.step_arrays(actions.numpy())
        done = torch.from_numpy(out.terminated | out.truncated)
        time_outs = torch.from_numpy(out.truncated & ~out.terminated)
        reward = torch.from_numpy(out.reward).clone()
        return self.get_observations(), reward, done, {"time_outs": time_outs}


def settings_of(config: PpoConfig) -> dict[str, Any]:
    """Return rsl_rl's configuration that says the same."""
    network = {
        "class_name": "rsl_rl.models.MLPModel",
        "hidden_dims": list(config.hidden),
        "activation": config.activation,
        "obs_normalization": True,
    }
    spread = {
        "class_name": "rsl_rl.modules.distribution.GaussianDistribution",
        "init_std": config.initial_std,
        "std_type": "log",
    }
    return {
        "num_steps_per_env": config.rollout_steps,
        "save_interval": 10**9,
        "check_for_nan": False,
        "obs_groups": {"actor": ["policy"], "critic": ["policy", "critic"]},
        "actor": network | {"distribution_cfg": spread},
        "critic": dict(network),
        "algorithm": {
            "class_name": "rsl_rl.algorithms.PPO",
            "num_learning_epochs": config.epochs,
            "num_mini_batches": config.minibatches,
            "clip_param": config.clip,
            "gamma": config.discount,
            "lam": config.gae_lambda,
            "value_loss_coef": config.value_weight,
            "entropy_coef": config.entropy_weight,
            "learning_rate": config.learning_rate,
            "max_grad_norm": config.gradient_norm_max,
            "use_clipped_value_loss": False,
            "schedule": "adaptive",
            "desired_kl": config.target_kl,
        },
    }


def robot_speed(experiment: str, seconds: float, threads: int, seed: int = 0) -> dict[str, float]:
    """Learn a robot's task for some time: steps per second, and the reward of a step at the end."""
    config = load_experiment(experiment, (f"seed={seed}",))
    if not isinstance(config.algorithm, PpoConfig):
        raise TypeError(f"{experiment} is no experiment of PPO")
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    batch = PaidEnv(config.training_task, config.randomization, config.environments, seed=seed, threads=0)
    environment = OurEnvironment(batch, round(config.task.episode_duration * config.task.control_rate))
    runner = OnPolicyRunner(environment, settings_of(config.algorithm), log_dir=None, device="cpu")
    runner.learn(1)
    watch, iterations = Stopwatch(), 0
    while watch.seconds < seconds:
        batch.clear()
        runner.learn(1)
        iterations += 1
    watch.pause()
    steps = iterations * config.algorithm.rollout_steps * config.environments
    return {
        "steps_per_s": steps / watch.seconds,
        "steps_per_cpu_s": steps / watch.cpu_seconds,
        "reward_per_step": batch.reward_per_step,
        "steps": float(steps),
    }


if __name__ == "__main__":
    serve({"robot_speed": robot_speed})
