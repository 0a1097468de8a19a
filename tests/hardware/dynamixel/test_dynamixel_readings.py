"""Laws of the block of readings: its layout matches the control table of every model."""

import pytest

from sim2real.configs.load import load_motor
from sim2real.hardware.dynamixel.firmware.readings import BLOCK, BLOCK_REGISTERS
from sim2real.hardware.dynamixel.tables import MODEL_NAMES, x_series_table


@pytest.mark.parametrize("model", sorted(MODEL_NAMES.values()))
def test_the_layout_of_the_block_matches_the_control_table(model):
    table = x_series_table(load_motor(model.lower().replace("-", "_")))
    effort = "present_current" if "present_current" in table else "present_load"
    registers = [table[effort if name == "effort" else name] for name in BLOCK_REGISTERS]
    assert registers == [r for r in table if registers[0].address <= r.address < registers[-1].end]
    sizes = {"B": 1, "H": 2, "h": 2, "i": 4}
    letters = BLOCK.format.removeprefix("<")
    assert [(sizes[letter], letter.islower()) for letter in letters] == [(r.size, r.signed) for r in registers]
