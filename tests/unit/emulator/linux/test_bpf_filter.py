"""Messages that attach BPF programs, decoded by pyroute2; answers as the kernel writes them."""

from __future__ import annotations

import struct
from typing import Any

from pyroute2.netlink.rtnl.marshal import MarshalRtnl

from emulator.linux.netlink import bpf_filter
from emulator.linux.netlink.messages import attribute, nested, u32


def decoded(data: bytes) -> Any:
    [found] = list(MarshalRtnl().parse(data))
    assert found["header"]["length"] == len(data)
    return found


def test_the_place_for_filters_comes_and_goes() -> None:
    for message, event in ((bpf_filter.clsact(7), "NEW"), (bpf_filter.clsact_delete(7), "DEL")):
        found = decoded(message)
        assert found["event"] == f"RTM_{event}QDISC"
        assert (found["index"], found["handle"], found["parent"]) == (7, 0xFFFF0000, 0xFFFFFFF1)
        assert found.get_attr("TCA_KIND") == "clsact"


def test_a_filter_names_its_program_and_decides_itself() -> None:
    for direction, parent in ((bpf_filter.INGRESS, 0xFFFFFFF2), (bpf_filter.EGRESS, 0xFFFFFFF3)):
        found = decoded(bpf_filter.bpf_filter(7, direction, 11, "from_wire"))
        assert (found["event"], found["header"]["flags"]) == ("RTM_NEWTFILTER", 0x601)
        assert (found["index"], found["handle"], found["parent"]) == (7, 1, parent)
        assert found["info"] == 1 << 16 | 0x0300  # priority 1, ETH_P_ALL in network byte order
        assert found.get_attr("TCA_KIND") == "bpf"
        options = found.get_attr("TCA_OPTIONS")
        assert options.get_attr("TCA_BPF_FD") == 11
        assert options.get_attr("TCA_BPF_NAME") == "from_wire"
        assert options.get_attr("TCA_BPF_FLAGS") == 1


def test_programs_are_found_in_a_dump_and_other_filters_left_out() -> None:
    def answer(kind: bytes, *options: bytes) -> tuple[int, bytes]:
        header = struct.pack("=BxxxiIII", 0, 7, 1, bpf_filter.EGRESS, 1 << 16)
        return 44, header + attribute(1, kind + b"\0") + nested(2, *options)

    ours = answer(b"bpf", attribute(7, b"from_stack\0"), u32(11, 815), u32(8, 1))
    answers = [answer(b"bpf"), answer(b"u32", u32(11, 3)), ours, (36, ours[1]), (44, b"short")]
    assert bpf_filter.read_bpf_filters(answers) == [(7, bpf_filter.EGRESS, "from_stack", 815)]
    assert decoded(bpf_filter.bpf_filter_dump(7, bpf_filter.EGRESS))["event"] == "RTM_GETTFILTER"
