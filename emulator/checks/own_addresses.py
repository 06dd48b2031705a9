"""Pairs of ports that no ping can test: the sender's own VPC has the address of the other VPC's port."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topologies.vpcs import NO_SUBNET, Vpcs


def answered_by_own(vpcs: Vpcs, pairs: list[tuple[int, int]]) -> npt.NDArray[np.bool_]:
    """Return which (sender, target) are of different VPCs, where the sender's has the target's address.

    A ping to the target then reaches the sender's neighbour of the same address: it shows no leak, and no
    isolation either. bool[p].
    """
    if not pairs or not len(vpcs.vpc_of_subnet):
        return np.zeros(len(pairs), dtype=bool)
    vpc = np.where(vpcs.of_node == NO_SUBNET, -1, vpcs.vpc_of_subnet[vpcs.of_node])
    members = np.flatnonzero(vpc >= 0)
    held = np.sort(_joined(vpc[members], vpcs.addresses[members]))
    sender, target = np.array(pairs, dtype=np.int64).T
    asked = _joined(vpc[sender], vpcs.addresses[target])
    at = np.minimum(np.searchsorted(held, asked), len(held) - 1)
    both = (vpc[sender] >= 0) & (vpc[target] >= 0)
    own: npt.NDArray[np.bool_] = both & (vpc[sender] != vpc[target]) & (held[at] == asked)
    return own


def _joined(vpc: npt.NDArray[np.int64], address: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Return VPC and address as one number."""
    return vpc << 32 | address.astype(np.int64)
