"""The page: one HTML file with its style, its script and its data inside, nothing loaded from outside."""

from __future__ import annotations

import html
import json
from importlib.resources import files
from typing import Any

import numpy as np

from stress.records import RunRecord

_MOST_MARKS = 3000
_BINS = 240


def page(whole: dict[str, Any], record: RunRecord) -> str:
    """Return the page of a report (`summary`); `record` gives the events to mark."""
    data = {**whole, "marks": _marks(record), "rates": _rates(record)}
    # "</script>" and "<!--" inside a string would end the element they stand in (HTML, section 13.1.3)
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    parts = files("stress.report")
    title = html.escape(f"{whole['scenario'].get('name', 'stress')} on {whole['network'].get('name', '')}")
    return (
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
        '<meta name=viewport content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n"
        f"<style>\n{parts.joinpath('page.css').read_text(encoding='utf-8')}</style>\n"
        "<main id=page></main>\n<noscript>This page draws itself with JavaScript; report.json has the figures."
        f"</noscript>\n<script id=data type=application/json>{text}</script>\n"
        f"<script>\n{parts.joinpath('page.js').read_text(encoding='utf-8')}</script>\n</html>\n"
    )


def _marks(record: RunRecord) -> list[list[Any]]:
    """Return up to 3,000 events spread over the run: [seconds, step, verb, target, failed]."""
    every = max(1, -(-len(record.outcomes) // _MOST_MARKS))
    return [
        [
            round(o.operation.at, 4),
            o.operation.step,
            o.operation.verb,
            ", ".join(o.operation.targets),
            bool(o.error),
        ]
        for o in record.outcomes[::every]
    ]


def _rates(record: RunRecord) -> dict[str, Any]:
    """Return operations per second over the run: due, done and failed, in 240 bins."""
    end = max((phase.end for phase in record.phases), default=0.0)
    if not record.outcomes or end <= 0:
        return {}
    edges = np.linspace(0.0, end, _BINS + 1)
    width = float(edges[1] - edges[0])
    due = [o.operation.at for o in record.outcomes]
    done = [o.finished for o in record.outcomes if not o.error]
    failed = [o.finished for o in record.outcomes if o.error]

    def rate(moments: list[float]) -> list[float]:
        return [round(float(n) / width, 3) for n in np.histogram(moments, edges)[0]]

    middles = [round(float(x), 4) for x in (edges[:-1] + edges[1:]) / 2]
    return {"at": middles, "series": {"due": rate(due), "done": rate(done), "failed": rate(failed)}}
