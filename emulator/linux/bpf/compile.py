"""Compile BPF programs: for developers, `python -m emulator.linux.bpf.compile FILE.c …`.

Each FILE.c becomes FILE.json beside it (`emulator.linux.bpf.code`), by Debian's clang-14 and the headers of
linux-libc-dev. Users need neither: the data files are shipped. A function with the attribute
`section("program")` is a program. A map is an undefined symbol; nothing else may be relocated.

Format of what clang writes: elf(5), and Documentation/bpf/llvm_reloc.rst for its relocations.
"""

from __future__ import annotations

import platform
import struct
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from emulator.errors import UnableError, UsageError
from emulator.linux.bpf.code import SIZE, Code, loads_map, write_code

COMPILER = "clang-14"
LICENCE = "Dual MIT/GPL"
_SECTION = "program"
_PROGBITS, _SYMTAB, _REL = 1, 2, 9
_R_BPF_64_64 = 1
_FUNCTION, _GLOBAL, _UNDEFINED = 2, 1, 0


def compile_file(source: Path) -> dict[str, Code]:
    """Return the programs of a C file. Raises UnableError without the compiler, UsageError with its words."""
    include = f"/usr/include/{platform.machine()}-linux-gnu"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "made.o")
        words = [
            COMPILER, "-target", "bpfel", "-mcpu=v3", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
            "-idirafter", include, "-c", str(source), "-o", str(made),
        ]  # fmt: skip
        try:
            subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
        except FileNotFoundError as error:
            raise UnableError(f"no {COMPILER} here: apt-get install {COMPILER} linux-libc-dev") from error
        except subprocess.CalledProcessError as error:
            raise UsageError(f"{source} isn't compiled:\n{error.stderr}") from error
        return read_object(made.read_bytes())


def read_object(data: bytes) -> dict[str, Code]:
    """Return the programs of a relocatable ELF file for BPF, 64 bits, little-endian."""
    start = struct.unpack_from("<Q", data, 40)[0]
    count, names_at = struct.unpack_from("<HH", data, 60)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, start + 64 * at) for at in range(count)]

    def text(section: int, offset: int) -> str:
        begin = sections[section][4] + offset
        return data[begin : data.index(b"\0", begin)].decode("ascii")

    table = next(section for section in sections if section[1] == _SYMTAB)
    symbols = [struct.unpack_from("<IBBHQQ", data, table[4] + 24 * at) for at in range(table[5] // 24)]
    found = [at for at, section in enumerate(sections) if text(names_at, section[0]) == _SECTION]
    if len(found) != 1:
        raise UsageError(f"the file has no functions in section {_SECTION!r}")
    relocations = defaultdict[str, list[int]](list)
    for section in sections:
        if section[1] == _REL and section[7] == found[0]:
            for at in range(section[5] // 16):
                offset, info = struct.unpack_from("<QQ", data, section[4] + 16 * at)
                symbol = symbols[info >> 32]
                name = text(table[6], symbol[0])
                if info & 0xFFFFFFFF != _R_BPF_64_64 or symbol[3] != _UNDEFINED:
                    raise UsageError(f"only maps can be relocated, not {name or 'data'}; inline functions")
                relocations[name].append(offset // SIZE)
    body = data[sections[found[0]][4] :][: sections[found[0]][5]]
    programs = {}
    for symbol in symbols:
        if symbol[3] == found[0] and symbol[1] & 0xF == _FUNCTION and symbol[1] >> 4 == _GLOBAL:
            programs[text(table[6], symbol[0])] = _cut(text(table[6], symbol[0]), symbol, body, relocations)
    return dict(sorted(programs.items()))


def _cut(name: str, symbol: tuple[int, ...], body: bytes, relocations: dict[str, list[int]]) -> Code:
    """Return one function of the section, with its maps."""
    first, size = symbol[4] // SIZE, symbol[5] // SIZE
    instructions = body[first * SIZE : (first + size) * SIZE]
    maps = {
        key: tuple(place - first for place in places if first <= place < first + size)
        for key, places in relocations.items()
    }
    used = {key: places for key, places in maps.items() if places}
    if not all(loads_map(instructions, place) for places in used.values() for place in places):
        raise UsageError(f"{name}: a map's address is used by an instruction that doesn't load it")
    return Code(name, LICENCE, instructions, used)


def main(files: Sequence[str]) -> int:
    """Write the data file of each C file."""
    for name in files:
        source = Path(name)
        source.with_suffix(".json").write_text(write_code(compile_file(source)), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
