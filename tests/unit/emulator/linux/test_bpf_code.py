"""Compiled programs as data: what is shipped is what the C files say, and maps get into the right places."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.errors import UsageError
from emulator.linux.bpf import compile as bpf_compile
from emulator.linux.bpf.code import Code, read_code, write_code

SOURCES = sorted(Path(bpf_compile.__file__).parents[1].glob("overlay/programs/*.c"))
needs_compiler = pytest.mark.skipif(not shutil.which(bpf_compile.COMPILER), reason="clang-14 isn't installed")


def test_each_program_is_shipped_and_nothing_else() -> None:
    assert SOURCES
    folder = SOURCES[0].parent
    assert sorted(folder.glob("*.json")) == [source.with_suffix(".json") for source in SOURCES]


@needs_compiler
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_shipped_program_is_what_its_source_says(source: Path) -> None:
    shipped = source.with_suffix(".json").read_text(encoding="ascii")
    assert write_code(bpf_compile.compile_file(source)) == shipped, (
        f"run `python -m emulator.linux.bpf.compile {source}`"
    )


def test_a_data_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = {"one": Code("one", "Dual MIT/GPL", bytes(range(80)), {"em_b": (1,), "em_a": (3, 5)})}
    (tmp_path / "one.json").write_text(write_code(made), encoding="ascii")
    assert read_code(tmp_path / "one.json") == made
    assert list(json.loads(write_code(made))["programs"]["one"]["maps"]) == ["em_a", "em_b"]


def test_linking_writes_descriptors_into_the_loads_and_nothing_else() -> None:
    load = bytes.fromhex("1802000000000000 0000000000000000")  # r2 = 0 ll
    code = Code("one", "GPL", load + bytes.fromhex("9500000000000000") + load, {"a": (0,), "b": (3,)})
    maps: Any = {"a": SimpleNamespace(fd=7), "b": SimpleNamespace(fd=0x1234)}
    expected = "1812000007000000 0000000000000000 9500000000000000 1812000034120000 0000000000000000"
    assert code.linked(maps).hex() == expected.replace(" ", "")
    with pytest.raises(KeyError):
        code.linked({"a": maps["a"]})


@needs_compiler
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "static volatile int kept = 1; PROGRAM int one(void) { return kept; }",
            "only maps can be relocated",
        ),
        ("int one(void) { return 1; }", "no functions in section"),
        ("PROGRAM int one(void) { return missing; }", "isn't compiled"),
    ],
)
def test_what_cant_be_shipped_is_refused(tmp_path: Path, body: str, words: str) -> None:
    source = tmp_path / "one.c"
    source.write_text(
        f'#define PROGRAM __attribute__((section("program"), used))\n{body}\n', encoding="ascii"
    )
    with pytest.raises(UsageError, match=words):
        bpf_compile.compile_file(source)


@needs_compiler
def test_several_programs_of_a_file_have_their_own_maps(tmp_path: Path) -> None:
    source = tmp_path / "two.c"
    source.write_text(
        "struct map; extern struct map em_a, em_b;\n"
        '#define PROGRAM __attribute__((section("program"), used))\n'
        "static void *(*const find)(struct map *, int) = (void *)1;\n"
        "PROGRAM int one(void) { return !find(&em_a, 1); }\n"
        "PROGRAM int two(void) { return !find(&em_b, 1) + !find(&em_a, 2); }\n",
        encoding="ascii",
    )
    made = bpf_compile.compile_file(source)
    assert [sorted(made[name].maps) for name in ("one", "two")] == [["em_a"], ["em_a", "em_b"]]
    for code in made.values():
        loads = [place for places in code.maps.values() for place in places]
        assert {code.instructions[place * 8] for place in loads} == {0x18}
        assert struct.unpack_from("<Q", code.instructions, len(code.instructions) - 8)[0] == 0x95  # exit
