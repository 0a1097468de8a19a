"""Laws of weights in a file of their own: the same actions to the last bit, and no weights of another program."""

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.training.c_source.trial import FLAGS, compiler

MAIN = r"""
#define PENDULUM_DECLARATIONS_ONLY
#include "pendulum.c"
#include <stdio.h>

static pendulum_state state;
static uint32_t image[1 << 16];

int main(void)
{
    pendulum_signals signals = {.joint_position = {0.3}, .joint_velocity = {-0.2}};
    pendulum_targets targets;
    pendulum_reset(&state, NULL);
#ifdef WITH_WEIGHTS
    FILE *file = fopen("pendulum.weights", "rb");
    size_t bytes = fread(image, 1, sizeof image, file);
    if (pendulum_step(&state, &signals, &targets))
        return 1; /* without weights */
    image[2] ^= 1;
    if (pendulum_load(image, bytes))
        return 2; /* of another layout */
    image[2] ^= 1;
    if (pendulum_load(image, bytes - 4) || pendulum_load((const char *)image + 1, bytes))
        return 3; /* cut off; at an odd place */
    if (!pendulum_load(image, bytes))
        return 4;
    pendulum_reset(&state, NULL);
#endif
    for (int tick = 0; tick < 20; tick++) {
        if (!pendulum_step(&state, &signals, &targets))
            return 5;
        printf("%a %a\n", targets.effort[0], (double)state.action[0]);
    }
    (void)image;
    return 0;
}
"""


@pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
@pytest.mark.slow
def test_a_program_with_its_weights_in_a_file_does_the_same_and_takes_no_others(tmp_path: Path) -> None:
    said = []
    for name, options, flags in (
        ("inside", (), ()),
        ("outside", ("--weights", tmp_path / "outside" / "pendulum.weights"), ("-DWITH_WEIGHTS",)),
    ):
        folder = tmp_path / name
        folder.mkdir()
        arguments = ["export", "pendulum_swingup", "--target", "c", "-o", folder / "pendulum.c", *options]
        done = CliRunner().invoke(app, [str(each) for each in arguments])
        assert done.exit_code == 0, done.output
        (folder / "main.c").write_text(MAIN)
        command = (str(compiler()), *FLAGS, *flags, "main.c", "pendulum.c", "-lm", "-o", "program")
        subprocess.run(command, cwd=folder, check=True)
        ran = subprocess.run(["./program"], cwd=folder, capture_output=True, text=True)
        assert ran.returncode == 0
        said.append(ran.stdout)
    assert said[0] == said[1]
    assert said[0].count("\n") == 20
    sizes = {name: (tmp_path / name / "pendulum.c").stat().st_size for name in ("inside", "outside")}
    assert sizes["outside"] < sizes["inside"] / 2


def test_weights_are_for_c(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", "pendulum_swingup", "--weights", str(tmp_path / "w"), "--json"])
    assert done.exit_code == 1
    assert "--weights: is for --target c" in done.output
