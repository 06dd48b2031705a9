"""Jump consistent hash, against the code of its paper written plainly."""

from __future__ import annotations

import numpy as np
import pytest

from topologies.generators.consistent import jump_hash

KEYS = np.random.default_rng(7).integers(0, 2**64, 1000, dtype=np.uint64)


def plainly(key: int, buckets: int) -> int:
    bucket, ahead = -1, 0
    while ahead < buckets:
        bucket = ahead
        key = (key * 2862933555777941757 + 1) % 2**64
        ahead = int((bucket + 1) * (float(1 << 31) / float((key >> 33) + 1)))
    return bucket


@pytest.mark.parametrize("buckets", [1, 2, 7, 100, 100_000])
def test_it_is_that_of_the_paper(buckets: int) -> None:
    assert jump_hash(KEYS, buckets).tolist() == [plainly(key, buckets) for key in KEYS.tolist()]


def test_one_bucket_more_moves_keys_to_it_alone() -> None:
    before, after = jump_hash(KEYS, 9), jump_hash(KEYS, 10)
    assert set(after[before != after].tolist()) == {9}
    assert 50 < np.count_nonzero(before != after) < 150
