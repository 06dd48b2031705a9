"""Flows of `traffic` steps for the page: their rates over time, and a table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stress.outcomes import Floats

_MOST_LINES = 12
_MOST_ROWS = 30
_MOST_POINTS = 600
_SHORTEST_PART = 0.1
"""Seconds: a rate over less time says little."""

Flow = dict[str, Any]


def flows_of(traffic: list[Flow], seconds: float) -> dict[str, Any]:
    """Return {"at": [seconds...], "lines": [{"name", "rates"}], "rows": [...], "more": rows left out}.

    Rates are received bits per second, null while a flow doesn't run; a point stands for a second or more.
    The first of several lines is the sum. Rows begin with failed flows, then the slowest; `loss` is the share
    of datagrams that didn't arrive, null for TCP.
    """
    rows = sorted((_row(flow) for flow in traffic), key=lambda row: (not row["error"], row["rate"]))
    at, lines = _lines([flow for flow in traffic if flow.get("series")], seconds)
    return {"at": at, "lines": lines, "rows": rows[:_MOST_ROWS], "more": max(0, len(rows) - _MOST_ROWS)}


def name_of(flow: Flow) -> str:
    """Return the ends and the protocol of a flow."""
    return f"{flow.get('source', '?')} → {flow.get('target', '?')} {flow.get('protocol', '')}".strip()


def _row(flow: Flow) -> dict[str, Any]:
    received, took = flow.get("received_bytes", 0), flow.get("seconds") or 1.0
    packets = flow.get("packets")
    loss = None if not packets else max(0.0, 1.0 - flow.get("arrived", 0) / packets)
    return {
        "name": name_of(flow), "step": flow.get("step", ""), "received": received,
        "rate": received * 8 / took, "loss": loss, "error": str(flow.get("error") or ""),
    }  # fmt: skip


def _lines(flows: list[Flow], seconds: float) -> tuple[list[float], list[dict[str, Any]]]:
    """Return the middle of each part of the run, and the lines: the sum, then the flows with most bytes."""
    if not flows or seconds <= 0:
        return [], []
    width = max(1.0, math.ceil(seconds / _MOST_POINTS))
    parts = math.ceil(seconds / width)
    rates = np.array([_rates(flow, width, parts) for flow in flows])
    total = np.where(np.isnan(rates).all(axis=0), np.nan, np.nansum(rates, axis=0))
    most = np.argsort(-np.nansum(rates, axis=1), kind="stable")
    room = _MOST_LINES - (len(flows) > 1)
    lines = [("all flows", total)] if len(flows) > 1 else []
    lines += [(name_of(flows[place]), rates[place]) for place in most[:room].tolist()]
    at = [min((part + 0.5) * width, seconds) for part in range(parts)]
    return at, [
        {"name": name, "rates": [_number(rate) for rate in values.tolist()]} for name, values in lines
    ]


def _rates(flow: Flow, width: float, parts: int) -> Floats:
    """Return bits per second in each part of the run: float64[parts], NaN where no second of it is known."""
    counts, lasting = _counted(flow)
    middle = float(flow.get("begun", 0.0)) + np.cumsum(lasting) - lasting / 2
    part = (middle / width).astype(np.int64)
    inside = part < parts
    bits = np.bincount(part[inside], counts[inside] * 8, minlength=parts)
    known = np.bincount(part[inside], lasting[inside], minlength=parts)
    rates: Floats = np.divide(bits, known, out=np.full(parts, np.nan), where=known > 0)
    return rates


def _counted(flow: Flow) -> tuple[Floats, Floats]:
    """Return the bytes of each second, and how long each lasted: float64[n] each. The last may be a part."""
    counts = np.array(flow["series"], dtype=np.float64)
    took = float(flow.get("seconds") or len(counts))
    lasting = np.clip(took - np.arange(len(counts)), 0.0, 1.0)
    full = max(1, int(np.count_nonzero(lasting >= _SHORTEST_PART)))
    # what came in less time than that, or after the sender's end, would be no rate: it joins the last one
    joined = np.append(counts[: full - 1], counts[full - 1 :].sum())
    lasting = np.append(lasting[: full - 1], max(lasting[full - 1 :].sum(), _SHORTEST_PART))
    return joined, lasting


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.6g}")
