"""The mirror of drawn parameters: which column is the image of which."""

from collections.abc import Sequence

import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.parameter import ParameterConfig
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.model.addresses import Indices
from sim2real.model.mirror import FLIP, RobotMirror
from sim2real.model.model import RobotModel
from sim2real.model.signed_permutation import SignedPermutation
from sim2real.randomization.elements import element_names, elements_of
from sim2real.randomization.parameter import Parameter, find_parameter


def mirror_of_parameters(config: RandomizationConfig, robot: RobotModel, mirror: RobotMirror) -> SignedPermutation:
    """Return the mirror of the columns of all parameters, in the order of `ParameterSpace`.

    Raises:
        ConfigError: A parameter has no image; the message says why.
    """
    return SignedPermutation.joined(_columns(entry, config.name, robot, mirror) for entry in config.parameters)


def _columns(entry: ParameterConfig, where: str, robot: RobotModel, mirror: RobotMirror) -> SignedPermutation:
    kind = find_parameter(entry.parameter)
    elements = elements_of(entry, robot, where).tolist()
    images = _images(kind, elements, robot, mirror)
    place = f"randomization {where!r}: {entry.parameter}"
    if outside := [image for image in images if image not in elements]:
        names = {index: name for name, index in element_names(kind.of, robot).items()}
        raise ConfigError(f"{place}: its elements lack {names[outside[0]]!r}, the image of one of them")
    if kind.mirror != "same" and entry.calibration != 0.0:
        raise ConfigError(f"{place}: changes its sign in the mirror; valid: calibrated 0, not {entry.calibration:g}")
    signs = _signs(kind, elements, mirror)
    if not entry.shared:
        return _spread(kind, [elements.index(image) for image in images], signs)
    if len(set(signs)) > 1:
        raise ConfigError(f"{place}: one value for joints that turn differently in the mirror; valid: shared: false")
    return _spread(kind, [0], signs[:1])


def _images(kind: Parameter, elements: Sequence[int], robot: RobotModel, mirror: RobotMirror) -> list[int]:
    """Return the image of each element, as its number within the kind."""
    if kind.of == "world":
        return list(elements)
    if kind.of in ("joint", "actuator", "play"):
        return [int(mirror.joints.index[element]) for element in elements]
    if kind.of == "supply":
        return [_image_of_supply(kind, element, robot, mirror) for element in elements]
    names = element_names(kind.of, robot)
    names_of = {index: name for name, index in names.items()}
    images = [mirror.image(names_of[element]) for element in elements]
    if missing := [image for image in images if image not in names]:
        raise ConfigError(f"{kind.name}: there is no {kind.of} {missing[0]!r}, the image of another")
    return [names[image] for image in images]


def _image_of_supply(kind: Parameter, element: int, robot: RobotModel, mirror: RobotMirror) -> int:
    """Return the supply that feeds the images of the joints of a supply; both are numbers within the kind."""
    fed = [supply.joints for supply in robot.supplies.values()]
    images = {int(mirror.joints.index[joint]) for joint in fed[element]}
    for number, joints in enumerate(fed):
        if images == set(joints.tolist()):
            return number
    name = list(robot.supplies)[element]
    raise ConfigError(f"{kind.name}: the images of the joints of supply {name!r} hang on several supplies")


def _signs(kind: Parameter, elements: Sequence[int], mirror: RobotMirror) -> list[float]:
    """Return the sign of each element's values: of joints as they turn, else 1."""
    if kind.mirror in ("angle", "angle_range"):
        return [float(mirror.joints.sign[element]) for element in elements]
    return [1.0] * len(elements)


def _spread(kind: Parameter, places: Sequence[int], signs: Sequence[float]) -> SignedPermutation:
    """Return the mirror of values of several elements, `kind.width` each."""
    index: list[Indices] = []
    sign: list[np.ndarray] = []
    inner = np.arange(kind.width)
    for place, turn in zip(places, signs, strict=True):
        flipped = kind.mirror == "angle_range" and turn < 0.0  # the lower limit becomes the upper one
        index.append(place * kind.width + (inner[::-1] if flipped else inner))
        sign.append(FLIP if kind.mirror == "vector" else np.full(kind.width, turn))
    return SignedPermutation.of(np.concatenate(index), np.concatenate(sign))
