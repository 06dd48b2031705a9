"""Layout of a graph without layers by stress majorization: distances follow those in the graph.

Gansner, Koren, North: Graph Drawing by Stress Majorization, GD 2004. It starts from classical
scaling of the distances: it needs no random numbers and always gives the same picture.
"""

from __future__ import annotations

import numpy as np

from topologies.topology import F64, I64

_ROUNDS = 120
_JITTER = 0.03


def distances(count: int, links: I64) -> F64:
    """Return the hops between all pairs: float64[count, count]; separate components are a bit apart."""
    near = np.zeros((count, count), dtype=bool)
    near[links[:, 0], links[:, 1]] = near[links[:, 1], links[:, 0]] = True
    step = near.astype(np.float32)
    out = np.full((count, count), np.inf)
    reached = np.eye(count, dtype=bool)
    out[reached] = 0
    frontier, hops = reached.copy(), 0
    while frontier.any():
        hops += 1
        frontier = (frontier.astype(np.float32) @ step > 0) & ~reached
        out[frontier] = hops
        reached |= frontier
    apart = out[np.isfinite(out)].max(initial=1) * 0.75 + 1
    return np.where(np.isfinite(out), out, apart)


def placed(count: int, links: I64) -> F64:
    """Return centred positions (float64[count, 2]), in hops, of a graph that needn't be connected."""
    if count < 3:
        return np.array([[0.0, 0.0], [1.0, 0.0]])[:count]
    wanted = distances(count, links)
    weight = np.where(wanted > 0, 1 / np.maximum(wanted, 1) ** 2, 0)
    laplacian = np.diag(weight.sum(axis=1)) - weight
    inverse = np.linalg.pinv(laplacian)
    places = _scaled(wanted)
    for _ in range(_ROUNDS):
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        pull = np.divide(weight * wanted, apart, out=np.zeros_like(apart), where=apart > 1e-9)
        moved = inverse @ ((np.diag(pull.sum(axis=1)) - pull) @ places)
        settled = np.abs(moved - places).max() < 1e-4
        places = moved
        if settled:
            break
    return _turned(places)


def _scaled(wanted: F64) -> F64:
    """Return the classical scaling of the distances (Torgerson 1952), with coinciding nodes separated."""
    count = len(wanted)
    centre = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(-0.5 * centre @ wanted**2 @ centre)
    signs = np.sign(
        vectors[np.abs(vectors).argmax(axis=0), np.arange(count)]
    )  # eigenvectors have no sign of their own
    vectors = vectors * signs
    places = vectors[:, [-1, -2]] * np.sqrt(np.maximum(values[[-1, -2]], 1e-6))
    turn = np.arange(count) * 2.399963  # the golden angle: no two are equal
    return np.asarray(places + _JITTER * np.stack([np.cos(turn), np.sin(turn)], axis=1))


def _turned(places: F64) -> F64:
    """Return `places` rotated so that their longest extent is horizontal."""
    places = places - places.mean(axis=0)
    _, _, axes = np.linalg.svd(places, full_matrices=False)
    axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]
    return np.asarray(places @ axes.T)
