"""Link delays and missing places from coordinates on the Earth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topologies.topology import F64, I32, I64

EARTH_RADIUS = 6_371_008.8
"""Mean radius in metres (IUGG; Moritz: Geodetic Reference System 1980)."""
FIBRE_SPEED = 299_792_458 * 2 / 3
"""Light in silica fibre, refractive index about 1.5, in metres a second."""
DELAY_STEP = 10e-6
"""Delays are rounded to 10 us (2 km): finer would claim more than a straight line between cities can."""


def great_circle(first: F64, second: F64) -> F64:
    """Return distances in metres between rows of (longitude, latitude) in degrees.

    The haversine formula (Sinnott: Virtues of the Haversine, Sky and Telescope 68, 1984), exact on
    a sphere and stable for short distances.
    """
    lon1, lat1 = np.radians(first).T
    lon2, lat2 = np.radians(second).T
    half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    distance: F64 = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return distance


def fibre_delays(positions: F64, ends: I32 | I64) -> F64:
    """Return the one-way delay in seconds of each link: great circle / (2/3 c), rounded to 10 us.

    NaN where an end has no coordinates.
    """
    distance = great_circle(positions[ends[:, 0]], positions[ends[:, 1]])
    return np.round(distance / FIBRE_SPEED / DELAY_STEP) * DELAY_STEP


def fill_places(positions: F64, ends: I32 | I64) -> F64 | None:
    """Return positions with the missing rows (NaN) at the mean of their placed neighbours.

    Repeated until nothing changes; nodes joined to no placed one stand at the centre. None when
    no node has a place.
    """
    placed: npt.NDArray[np.bool_] = np.asarray(~np.isnan(positions).any(axis=1))
    if not placed.any():
        return None
    out = np.where(placed[:, None], positions, 0.0)
    both = np.concatenate([ends, ends[:, ::-1]])
    while not placed.all():
        useful = both[placed[both[:, 0]] & ~placed[both[:, 1]]]
        if not len(useful):
            out[~placed] = out[placed].mean(axis=0)
            break
        total, count = np.zeros_like(out), np.zeros(len(out))
        np.add.at(total, useful[:, 1], out[useful[:, 0]])
        np.add.at(count, useful[:, 1], 1)
        new = count > 0
        out[new] = total[new] / count[new, None]
        placed = np.asarray(placed | new)
    return out
