"""A policy in C on an emulated Cortex-M4 gives what it gives here, without an operating system."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sim2real.configs.policy_reference import find_policy
from sim2real.runtime.policy import OnnxPolicy
from sim2real.training.c_source.export import AGREEMENT_MAX, source_of
from sim2real.training.c_source.trial import FLAGS, compare, input_of, main_source, prepare

GCC, QEMU = "arm-none-eabi-gcc", "qemu-system-arm"
CORTEX_M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
MISSING = [tool for tool in (GCC, QEMU) if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

START = """
/* What a Cortex-M needs before main: a table of a stack and a reset handler, and the FPU switched on. */
extern int _start(void);
extern int stack_top;
void reset(void);
void _init(void);
void _fini(void);
void _init(void) { } /* there are no constructors */
void _fini(void) { }
void reset(void)
{
    *(volatile unsigned *)0xE000ED88u |= 0xFu << 20; /* CPACR: full access to CP10 and CP11 */
    __asm__ volatile("dsb\\n isb");
    _start();
    for (;;) { }
}
__attribute__((section(".vectors"), used)) static void *const vectors[2] = {&stack_top, (void *)reset};
"""
LINKER = """
ENTRY(reset)
MEMORY { flash (rx) : ORIGIN = 0x00000000, LENGTH = 4M  ram (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.ARM.ex*) } > flash
  .data : { __data_start = .; *(.data*) } > ram
  .bss : { __bss_start__ = .; *(.bss*) *(COMMON) __bss_end__ = .; } > ram
  end = .; PROVIDE(__end__ = .);
  stack_top = ORIGIN(ram) + LENGTH(ram);
}
"""
"""The board `mps2-an386`: 4 MB of each. Sections are loaded where they run, so that nothing is copied at the start."""


def build(folder: Path, text: str, prefix: str) -> Path:
    (folder / "policy.c").write_text(text)
    (folder / "main.c").write_text(main_source(prefix))
    (folder / "start.c").write_text(START)
    (folder / "board.ld").write_text(LINKER)
    call(GCC, *FLAGS, *CORTEX_M4, "-c", "main.c", folder=folder)
    call(GCC, *CORTEX_M4, "-c", "start.c", folder=folder)
    linked = ("--specs=rdimon.specs", "-nostartfiles", "-T", "board.ld", "-Wl,--no-warn-rwx-segments")
    crt = subprocess.run([GCC, *CORTEX_M4, "-print-file-name=rdimon-crt0.o"], capture_output=True, text=True)
    call(GCC, *CORTEX_M4, "main.o", "start.o", crt.stdout.strip(), *linked, "-lm", "-o", "trial.elf", folder=folder)
    return folder / "trial.elf"


def call(*command: str, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["quadruped_walk", "so101_reach"])
def test_a_cortex_m4_computes_what_onnxruntime_computes(name, tmp_path):
    policy = OnnxPolicy(find_policy(name))
    trial = prepare(policy, 20)
    program = build(tmp_path, source_of(policy, "policy").text, "policy")
    (tmp_path / "given").write_bytes(input_of(trial, policy.contract))
    machine = (QEMU, "-M", "mps2-an386", "-cpu", "cortex-m4", "-nographic", "-monitor", "none", "-serial", "none")
    with (tmp_path / "given").open("rb") as given, (tmp_path / "answers").open("wb") as answers:
        done = subprocess.run(
            [*machine, "-semihosting-config", "enable=on,target=native", "-kernel", str(program)],
            stdin=given,
            stdout=answers,
            stderr=subprocess.PIPE,
            timeout=120,  # a bound, not a claim
        )
    assert done.returncode == 0, done.stderr
    found = compare((tmp_path / "answers").read_bytes(), trial)
    assert max(found.action, found.target) <= AGREEMENT_MAX
    assert found.observation <= np.finfo(np.float32).eps
