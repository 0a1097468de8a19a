"""LeRobot's own writer of data sets as a program: `python lerobot_writer.py ARRAYS FOLDER`.

ARRAYS is an `.npz` file: `state` and `action`, (n, J) each, `lengths` of the episodes, `names` of the joints and
the `fps`. What only pictures and learning need may be missing; stand-ins take its place, and none of them works.
"""

import importlib
import sys
import types
from typing import Any

import numpy as np
from lerobot_arm import Learning

UNUSED = ("accelerate", "av", "lerobot.processor", "torchvision")


def main() -> None:
    """Write the data set."""
    arrays, folder = sys.argv[1:]
    sys.meta_path.insert(0, Learning(*UNUSED))
    picture_codecs: Any = importlib.import_module("av")
    picture_codecs.logging = types.SimpleNamespace(WARNING=0)  # named by a default argument
    writer = importlib.import_module("lerobot.datasets.lerobot_dataset").LeRobotDataset
    with np.load(arrays) as data:
        feature = {"dtype": "float32", "shape": (len(data["names"]),), "names": data["names"].tolist()}
        features = {"action": feature, "observation.state": feature}
        written = writer.create("desk/shown", int(data["fps"]), features, root=folder, use_videos=False)
        frames = zip(data["action"].astype(np.float32), data["state"].astype(np.float32), strict=True)
        for length in data["lengths"]:
            for _ in range(length):
                action, state = next(frames)
                written.add_frame({"action": action, "observation.state": state, "task": "hold"})
            written.save_episode()
    written.finalize()


if __name__ == "__main__":
    main()
