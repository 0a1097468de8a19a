"""Loads the models that Gymnasium ships with its MuJoCo tasks."""

from importlib.util import find_spec
from pathlib import Path

import mujoco

from sim2real.configs.errors import UserError
from sim2real.model.compilation import read_spec

_NO_TOTAL_MASS = -1.0  # MuJoCo's "do not scale"


def load_model(file: str, *, body_acceleration: bool = False) -> mujoco.MjModel:
    """Compile one of Gymnasium's models from the installed package.

    Args:
        file: File name among Gymnasium's assets.
        body_acceleration: Add a sensor of a body's acceleration, so that MuJoCo computes `cfrc_ext` in every forward
            pass.

    Raises:
        UserError: Gymnasium is not installed, or does not have the file.
    """
    package = find_spec("gymnasium")
    if package is None or package.origin is None:
        raise UserError("Gymnasium's tasks need gymnasium; pip install 'sim2real[train]'")
    path = Path(package.origin).parent / "envs" / "mujoco" / "assets" / file
    if not path.is_file():
        raise UserError(f"the installed gymnasium has no {path}; valid: a version with its v5 MuJoCo tasks")
    spec = read_spec(path)
    # MuJoCo warns about this attribute at every compilation and recommends the two calls below; the model is the same.
    total_mass, spec.compiler.settotalmass = spec.compiler.settotalmass, _NO_TOTAL_MASS
    if body_acceleration:
        body = spec.worldbody.first_body()
        spec.add_sensor(type=mujoco.mjtSensor.mjSENS_FRAMELINACC, objtype=mujoco.mjtObj.mjOBJ_BODY, objname=body.name)
    model = spec.compile()
    if total_mass > 0.0:
        mujoco.mj_setTotalmass(model, total_mass)
        mujoco.mj_setConst(model, mujoco.MjData(model))
    return model
