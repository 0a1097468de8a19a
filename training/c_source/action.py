"""The contract's action as a C function: clip, filter, scale, offset, limits, step."""

from typing import Final

import numpy as np

from sim2real.runtime.contract.spec import Contract
from sim2real.training.c_source.literals import double, doubles, floats, single

_HEAD: Final = """\
static void {prefix}_apply({prefix}_state *state, const float *action, {prefix}_targets *targets)
{{
"""
_TAIL: Final = """\
        targets->position[i] = {position};
        targets->effort[i] = {effort};
    }}
}}
"""


def apply_function(contract: Contract, prefix: str) -> str:
    """Return the function that turns an action into targets; it writes the last action into the state.

    The same sums and products, in the same order, as `ActionPipeline`.
    """
    spec, joints = contract.action, contract.robot.joints
    by_effort, bounded = spec.target == "effort", bool(spec.step) and not spec.relative
    clip = [spec.clip] * len(joints)
    if spec.step and spec.relative:
        clip = [min(spec.clip, step / scale) for step, scale in zip(spec.step, spec.scale, strict=True)]
    limits = [
        (-joint.effort_max, joint.effort_max) if by_effort else (joint.position_min, joint.position_max)
        for joint in joints
    ]
    arrays = [
        floats("clip", np.array(clip, np.float32)),
        doubles("scale", spec.scale),
        doubles("low", (low for low, _ in limits)),
        doubles("high", (high for _, high in limits)),
    ]
    if not spec.relative:
        arrays.append(doubles("offset", spec.offset))
    if bounded:
        arrays.append(doubles("step", spec.step))
    keep, base = np.float32(spec.smoothing), "state->target" if spec.relative else "offset"
    return "".join(
        [
            _HEAD.format(prefix=prefix),
            *(f"    {line}\n" for array in arrays for line in array.splitlines()),
            f"    for (int i = 0; i < {len(joints)}; i++) {{\n",
            "        float last = action[i] < -clip[i] ? -clip[i] : action[i] > clip[i] ? clip[i] : action[i];\n",
            *_filter(keep),
            f"        double target = (double)last * scale[i] + {base}[i];\n",
            "        target = target < low[i] ? low[i] : target > high[i] ? high[i] : target;\n",
            *_bound(bounded),
            "        state->last_action[i] = last;\n",
            "        state->target[i] = target;\n",
            _TAIL.format(position="0.0" if by_effort else "target", effort="target" if by_effort else "0.0"),
        ]
    )


def _filter(keep: np.float32) -> list[str]:
    if not keep > 0.0:
        return []
    take = np.float32(1.0) - keep
    return [f"        last = state->last_action[i] * {single(keep)} + last * {single(take)};\n"]


def _bound(bounded: bool) -> list[str]:
    """No farther from the last target than a step; the action is then the one of the bounded target."""
    if not bounded:
        return []
    return [
        "        const double lowest = state->target[i] - step[i], highest = state->target[i] + step[i];\n",
        "        target = target < lowest ? lowest : target > highest ? highest : target;\n",
        "        last = (float)((target - offset[i]) / scale[i]);\n",
    ]


def reset_lines(contract: Contract) -> list[str]:
    """Return the lines that set the last target: at the default pose, or where the joints are."""
    if contract.action.target == "effort":
        return [f"    for (int i = 0; i < {len(contract.joint_names)}; i++)", "        state->target[i] = 0.0;"]
    joints = contract.robot.joints
    arrays = [
        doubles("low", (joint.position_min for joint in joints)),
        doubles("high", (joint.position_max for joint in joints)),
        doubles("default_position", (joint.default_position for joint in joints)),
    ]
    return [
        *(f"    {line}" for array in arrays for line in array.splitlines()),
        f"    for (int i = 0; i < {len(joints)}; i++) {{",
        "        const double at = position ? position[i] : default_position[i];",
        "        state->target[i] = at < low[i] ? low[i] : at > high[i] ? high[i] : at;",
        "    }",
    ]


def gain_macros(contract: Contract, prefix: str) -> str:
    """Return stiffness and damping of every joint, for motors that take them."""
    by_effort = contract.action.target == "effort"
    gains = {
        "STIFFNESS": [0.0 if by_effort else joint.stiffness for joint in contract.robot.joints],
        "DAMPING": [0.0 if by_effort else joint.damping for joint in contract.robot.joints],
    }
    lines = [f"#define {prefix.upper()}_{name} {{{', '.join(map(double, values))}}}" for name, values in gains.items()]
    return "\n".join(lines) + "\n"
