"""Coordinates of imported nodes, and link delays from coordinates on the Earth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from topologies.formats.graph import Attributes, FormatError
from topologies.topology import F64, I32, I64

EARTH_RADIUS = 6_371_008.8
"""Mean radius in metres (IUGG; Moritz: Geodetic Reference System 1980)."""
FIBRE_SPEED = 299_792_458 * 2 / 3
"""Light in silica fibre, refractive index about 1.5, in metres a second."""
DELAY_STEP = 10e-6
"""Delays are rounded to 10 us (2 km): a straight line between cities isn't more precise."""


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

    Repeated until nothing changes; nodes without a path to a placed one go to the centre. None when
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


def coordinates(nodes: list[Attributes]) -> F64 | None:
    """Return (x, y) or (longitude, latitude) of each node, NaN where it has none; None when none has."""
    for keys in (("Longitude", "Latitude"), ("longitude", "latitude"), ("lon", "lat"), ("x", "y")):
        if not any(keys[0] in node and keys[1] in node for node in nodes):
            continue
        places = np.array([[_number(node.get(key)) for key in keys] for node in nodes])
        places[~np.isfinite(places).all(axis=1)] = np.nan
        return None if np.isnan(places).all() else places
    return None


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def geographic_delays(ends: I32, places: F64 | None) -> F64:
    """Return the delay of each link in seconds: float64[m]. FormatError for coordinates not of the Earth."""
    if places is None:
        raise FormatError("has no coordinates; remove `delay_from`, or give nodes Latitude and Longitude")
    seen = places[~np.isnan(places).any(axis=1)]
    if (np.abs(seen) > (360, 90)).any():
        words = "has coordinates that are no longitudes and latitudes in degrees; remove `delay_from`"
        raise FormatError(words)
    return fibre_delays(places, ends)
