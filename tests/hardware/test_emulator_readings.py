"""The block of readings is written at once: its layout is that of the control table."""

from emulated import Bench

from hardware.dynamixel.firmware_readings import _BLOCK, _BLOCK_REGISTERS


def test_layout_of_the_block_is_that_of_the_control_table():
    table = Bench().table
    registers = [table[name] for name in _BLOCK_REGISTERS]
    assert registers == [r for r in table if registers[0].address <= r.address < registers[-1].end]
    sizes = {"B": 1, "H": 2, "h": 2, "i": 4}
    letters = _BLOCK.format.removeprefix("<")
    assert [(sizes[letter], letter.islower()) for letter in letters] == [(r.size, r.signed) for r in registers]
