"""A wheel named sim2real that has nothing in it but a program which says its version."""

import base64
import hashlib
import zipfile
from pathlib import Path

_MODULE = """\
import sys
def main():
    if {broken}:
        sys.exit("this one does not work")
    print("sim2real {version}")
"""


def small_wheel(folder: Path, version: str, *, broken: bool = False) -> Path:
    """Write a wheel without requirements; the program of a broken one fails."""
    info = f"sim2real-{version}.dist-info"
    files = {
        "small.py": _MODULE.format(version=version, broken=broken),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: sim2real\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nsim2real = small:main\n",
    }
    rows = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    path = folder / f"sim2real-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
