"""LLVM modules to machine code of this processor, and its functions by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm


def assemble(text: str, speed_level: int = 1) -> bytes:
    """Object code of an LLVM module, optimised as clang does with -O1 to -O3."""
    machine = _machine()
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=speed_level)
    # What can be done for several patients at once is printed that way.
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    code: bytes = machine.emit_object(module)
    return code


class Code:
    """Machine code in memory; its functions live as long as this object."""

    def __init__(self, code: bytes) -> None:
        empty = llvm.parse_assembly("")
        self._engine: Any = llvm.create_mcjit_compiler(empty, _machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def addresses(self, names: Sequence[str]) -> list[int]:
        """Addresses of functions.

        Raises
        ------
        RuntimeError
            If one of them is not in the code: a call to its address would end the process.
        """
        found = [self._engine.get_function_address(name) for name in names]
        if not all(found):
            absent = ", ".join(name for name, address in zip(names, found, strict=True) if not address)
            message = f"the machine code lacks {absent}"
            raise RuntimeError(message)
        return found


def processor() -> tuple[str, str, str]:
    """Everything about this machine that decides its machine code: triple, processor, features."""
    return llvm.get_default_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def _machine() -> Any:
    """Code generator for the processor that this runs on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple, name, features = processor()
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=name, features=features, opt=2, reloc="default", codemodel="jitdefault", jit=True
    )
