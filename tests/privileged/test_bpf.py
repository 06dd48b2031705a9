"""Maps and programs on the real kernel."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from emulator.errors import BrokenError, KernelError
from emulator.linux.bpf.code import Code
from emulator.linux.bpf.maps import ARRAY, HASH, MMAPABLE, NO_PREALLOC, NOEXIST, Map
from emulator.linux.bpf.program import Program
from emulator.linux.bpf.support import lacking_bpf
from emulator.linux.overlay.maps import PAGE_KEY, OverlayMaps
from emulator.linux.overlay.programs import Programs, load_programs

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.skipif(os.geteuid() == 0 and lacking_bpf() is not None, reason="no BPF here"),
]


def test_single_keys_are_written_read_and_deleted() -> None:
    with Map.create("em_test", HASH, 4, 8, 10, flags=NO_PREALLOC) as made:
        assert (made.name, made.description.key_size, made.description.entries) == ("em_test", 4, 10)
        assert made.lookup(b"key1") is None
        made.update(b"key1", b"12345678", NOEXIST)
        assert made.lookup(b"key1") == b"12345678"
        with pytest.raises(KernelError) as refused:
            made.update(b"key1", b"12345678", NOEXIST)
        assert (refused.value.errno, "em_test" in str(refused.value)) == (errno.EEXIST, True)
        assert (made.delete(b"key1"), made.delete(b"key1")) == (True, False)
        with pytest.raises(ValueError, match="key of 3 bytes instead of 4"):
            made.lookup(b"key")


def test_batches_of_a_hash_and_of_an_array() -> None:
    keys = np.arange(10_000, dtype=np.uint32)
    for kind, flags in ((HASH, NO_PREALLOC), (ARRAY, 0)):
        with Map.create("em_test", kind, 4, 8, len(keys), flags=flags) as made:
            made.update_batch(keys, keys.astype(np.uint64) * 3)
            found, values = made.lookup_batch(np.uint32, np.uint64)
            order = np.argsort(found)
            assert np.array_equal(found[order], keys)
            assert np.array_equal(values[order], keys.astype(np.uint64) * 3)
    with Map.create("em_test", HASH, 4, 8, 100, flags=NO_PREALLOC) as small:
        with pytest.raises(KernelError, match="it is full: 100 entries") as full:
            small.update_batch(keys, keys.astype(np.uint64))
        assert full.value.errno == errno.E2BIG
        small.delete_batch(keys[:60])
        assert sorted(small.lookup_batch(np.uint32, np.uint64)[0]) == list(range(60, 100))


def test_stores_into_memory_are_what_the_kernel_reads() -> None:
    with Map.create("em_test", ARRAY, 4, 8, 1000, flags=MMAPABLE) as made:
        memory = made.mapped(np.uint64)
        assert memory.shape == (1000,)
        memory[999] = 0x1122334455667788
        assert made.lookup(struct.pack("=I", 999)) == struct.pack("=Q", 0x1122334455667788)
        with Map.from_id(made.id) as again:
            assert again.mapped(np.uint64)[999] == 0x1122334455667788
    memory[0] = 1  # the map is closed, its memory is there as long as somebody holds it
    assert memory[0] == 1


def test_the_verifier_says_what_is_wrong() -> None:
    no_result = Code("em_wrong", "GPL", bytes.fromhex("9500000000000000"), {})
    with pytest.raises(KernelError, match="R0 !read_ok") as refused:
        Program.load(no_result, {})
    assert refused.value.target == "em_wrong"


@pytest.fixture
def network() -> Iterator[tuple[OverlayMaps, Programs]]:
    with OverlayMaps.create(128, 8, 4) as maps, load_programs(maps) as programs:
        yield maps, programs


def test_any_program_leads_back_to_all_maps(network: tuple[OverlayMaps, Programs]) -> None:
    maps, programs = network
    maps.ports["vni"][77] = 4711
    keys = np.array([(3, 9)], PAGE_KEY)
    maps.pages.update_batch(keys, np.array([64], np.uint32))
    for descriptor in (programs.from_stack, programs.from_device, programs.from_wire):
        number = Program(os.dup(descriptor)).id
        with OverlayMaps.reopen(number) as found:
            assert {name: one.id for name, one in found.by_name().items()} == {
                name: one.id for name, one in maps.by_name().items()
            }
            assert found.ports["vni"][77] == 4711
            assert found.pages.lookup(keys[0].tobytes()) == struct.pack("=I", 64)


def test_programs_of_others_and_ended_ones_are_told_apart() -> None:
    with Program.load(
        Code("other", "GPL", bytes.fromhex("b7000000000000009500000000000000"), {}), {}
    ) as other:
        with pytest.raises(BrokenError, match="no maps of light ports"):
            OverlayMaps.reopen(other.id)
        number = other.id
    with pytest.raises(KernelError) as gone:
        Program.from_id(number)
    assert gone.value.errno == errno.ENOENT


def test_a_process_without_rights_is_told_so() -> None:
    code = "from emulator.linux.bpf.support import lacking_bpf; print(lacking_bpf())"
    words = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", code]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "may not use bpf(2): run as root" in found.stdout, found.stderr
