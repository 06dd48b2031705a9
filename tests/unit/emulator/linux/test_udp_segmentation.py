"""The request that has an interface cut UDP packets (struct ethtool_sfeatures)."""

from __future__ import annotations

import struct

import pytest

from emulator.linux.machine import udp_segmentation

NAME = b"tx-udp-segmentation"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (0, 0, [1, 0]),
        (31, 0, [1 << 31, 0]),
        (32, 0, [0, 0, 1, 0]),
        (34, 30, [0, 0, 4, 0, 0, 0]),
    ],
)
def test_one_feature_of_all_is_turned_off(before: int, after: int, words: list[int]) -> None:
    names = [b"other"] * before + [NAME] + [b"other"] * after
    expected = struct.pack(f"=II{len(words)}I", 0x3B, len(words) // 2, *words)
    assert udp_segmentation._request(names) == expected


def test_a_kernel_without_the_feature_is_left_alone() -> None:
    assert udp_segmentation._request([b"tx-tcp-segmentation"]) == b""
    udp_segmentation.segment_udp(["no-such-one"])
