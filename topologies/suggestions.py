"""Suggestions for unknown words.

A module of its own: commands that read no file don't import pydantic for it (40 ms).
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from topologies.errors import shortened

SYNONYMS = {
    "bw": "bandwidth", "rate": "bandwidth", "speed": "bandwidth", "capacity": "bandwidth",
    "latency": "delay", "rtt": "delay", "losses": "loss", "packet_loss": "loss",
    "address": "ip", "ipv4": "ip", "type": "generator", "family": "generator", "ram": "memory",
    "cores": "cpu", "cpus": "cpu", "max_queue_size": "queue", "degree": "k",
}  # fmt: skip
"""Key of other programs -> our key; suggested where our key is allowed."""


def nearest(word: str, known: Iterable[str], most: int = 12) -> str:
    """Return "did you mean `x`?" for the known word nearest to `word`, else the first known words."""
    words = list(known)
    if len(words) <= 1000:  # comparing is slow, and a file may have 200,000 node names
        lower = {w.lower(): w for w in reversed(words)}
        close = get_close_matches(word[:80].lower(), lower, n=1, cutoff=0.6)
        if close:
            return f"did you mean `{shortened(lower[close[0]])}`?"
    shown = ", ".join(shortened(w, 30) for w in words[:most])
    return f"use one of: {shown}{', …' if len(words) > most else ''}"
