"""Compiled BPF programs as data: instructions, and the maps that they name.

A data file is JSON, made by `emulator.linux.bpf.compile` from a C file of the same name:
`{"licence": …, "programs": {NAME: {"instructions": [hex, …], "maps": {MAP: [index, …]}}}}`. An index counts
instructions of 8 bytes. The instruction there loads the address of a map (`BPF_LD | BPF_IMM | BPF_DW`, 16
bytes), and gets the map's descriptor when it is loaded. All of it is little-endian.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.linux.bpf.maps import Map

SIZE = 8
"""Bytes of an instruction (Documentation/bpf/standardization/instruction-set.rst)."""
_LOAD_64 = 0x18
_MAP_DESCRIPTOR = 1 << 4
"""BPF_PSEUDO_MAP_FD in the place of the source register."""


@dataclass(frozen=True)
class Code:
    """One program: instructions without addresses, and the instructions that load the address of each map."""

    name: str
    licence: str
    instructions: bytes
    maps: Mapping[str, tuple[int, ...]]

    def linked(self, maps: Mapping[str, Map]) -> bytes:
        """Return the instructions with the descriptors of `maps`. Raises KeyError for a missing one."""
        out = bytearray(self.instructions)
        for name, places in self.maps.items():
            for place in places:
                out[place * SIZE + 1] = (out[place * SIZE + 1] & 0xF) | _MAP_DESCRIPTOR
                struct.pack_into("<i", out, place * SIZE + 4, maps[name].fd)
        return bytes(out)


def read_code(path: Path) -> dict[str, Code]:
    """Return the programs of a data file by name."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    return {
        name: Code(
            name,
            document["licence"],
            bytes.fromhex("".join(entry["instructions"])),
            {key: tuple(places) for key, places in entry["maps"].items()},
        )
        for name, entry in document["programs"].items()
    }


def write_code(programs: Mapping[str, Code]) -> str:
    """Return the text of a data file: four instructions a line, so that differences can be read."""
    licence = next(iter(programs.values())).licence
    document = {
        "licence": licence,
        "programs": {
            name: {
                "instructions": [
                    code.instructions[at : at + 4 * SIZE].hex()
                    for at in range(0, len(code.instructions), 4 * SIZE)
                ],
                "maps": {key: list(places) for key, places in sorted(code.maps.items())},
            }
            for name, code in programs.items()
        },
    }
    return json.dumps(document, indent=1) + "\n"


def loads_map(instructions: bytes, place: int) -> bool:
    """Return whether the instruction at index `place` loads a 64-bit address."""
    return instructions[place * SIZE] == _LOAD_64
