"""JSON schema of report.json (JSON Schema 2020-12). Within a version, keys are only added."""

from __future__ import annotations

from typing import Any

from emulator.tasks import PORT_COUNTERS
from stress.report.summary import FORMAT, VERSION

Schema = dict[str, Any]

_NUMBER: Schema = {"type": "number"}
_COUNT: Schema = {"type": "number", "minimum": 0}
_SECONDS: Schema = {"type": "number", "minimum": 0, "description": "seconds"}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_TEXT: Schema = {"type": "string"}
_FREE: Schema = {"type": "object"}
_COUNTS: Schema = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}


def schema() -> Schema:
    """Return the schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        **_object(
            {
                "format": {"const": FORMAT},
                "version": {"const": VERSION},
                "scenario": _FREE,
                "network": _FREE,
                "machine": _FREE,
                "seed": {"type": "integer"},
                "began": {**_NUMBER, "description": "seconds since 1970-01-01 00:00 UTC"},
                "seconds": _SECONDS,
                "held": {"type": "boolean"},
                "verdicts": _list(_verdict()),
                "doubts": _list(_TEXT),
                "interrupted": _TEXT,
                "aborted": _TEXT,
                "phases": _list(_object({"name": _TEXT, "start": _SECONDS, "end": _SECONDS})),
                "steps": _list(_step()),
                "convergence": _convergence(),
                "probe_groups": _list(_group()),
                "probes": _list(_probe()),
                "figures": {"type": "object", "additionalProperties": _NUMBER},
                "metrics": _metrics(),
                "sampler_cpu_seconds": _SECONDS,
                "probe_cpu_seconds": _SECONDS,
                "traffic": _list(_FREE),
                "ramps": _list(_FREE),
                "light_ports": _light_ports(),
                "workers": _list(_worker()),
                "leaks": _leaks(),
                "restored": _list(_TEXT),
            }
        ),
    }


def _object(properties: Schema) -> Schema:
    """Return the schema of an object with all of `properties`; others may be added later."""
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(found: Schema) -> Schema:
    return {"anyOf": [found, {"type": "null"}]}


def _row(*items: Schema) -> Schema:
    return {"type": "array", "prefixItems": list(items), "minItems": len(items), "maxItems": len(items)}


def _latency(*, sliced: bool = False) -> Schema:
    """Return the schema of latencies in seconds: quantiles, the curve, and slices of a step."""
    quantiles = dict.fromkeys(("min", "mean", "p50", "p90", "p99", "p99.9", "max"), _SECONDS)
    found = _object({"count": _COUNT, **quantiles, "curve": _list(_row(_SHARE, _SECONDS))})
    if sliced:
        found["properties"]["slices"] = _list(_list(_row(_SECONDS, {"type": "integer", "minimum": 1})))
        found["required"].append("slices")
    return _or_null(found)


def _verdict() -> Schema:
    found: Schema = dict.fromkeys(("limit", "text", "words"), _TEXT)
    found |= {"held": {"type": "boolean"}, "figure": _or_null(_TEXT), "unit": _or_null(_TEXT)}
    return _object(found | {"measured": _or_null(_NUMBER), "bound": _or_null(_NUMBER)})


def _step() -> Schema:
    counts = dict.fromkeys(("offered", "done", "succeeded"), _COUNT)
    rates = dict.fromkeys(("offered_rate", "achieved_rate"), _or_null(_COUNT))
    latencies = dict.fromkeys(("lateness", "convergence", "recovery"), _latency())
    return _object(
        {"step": _TEXT, "action": _TEXT, **counts, "skipped": _COUNTS, **rates, "errors": _COUNTS,
         "latency": _latency(sliced=True), "verbs": {"type": "object", "additionalProperties": _latency()},
         **latencies}
    )  # fmt: skip


def _convergence() -> Schema:
    event = _object(
        {"at": _SECONDS, "step": _TEXT, "verb": _TEXT, "targets": _list(_TEXT), "probes": _COUNT,
         "convergence": _SECONDS, "recovery": _or_null(_SECONDS), "blackhole": _SECONDS,
         "unfinished": {"type": "boolean"}}
    )  # fmt: skip
    counts = dict.fromkeys(("disturbing", "undisturbing", "unexplained", "unfinished"), _COUNT)
    return _object({**counts, "convergence": _latency(), "recovery": _latency(), "events": _list(event)})


def _group() -> Schema:
    counts = dict.fromkeys(("pairs", "sent", "answered", "late", "unasked", "windows"), _COUNT)
    times = dict.fromkeys(("interval", "blackhole", "longest"), _SECONDS)
    return _object(
        {"probe": _TEXT, "kind": {"enum": ["ping", "tcp", "command"]}, **counts, **times,
         "loss": _or_null(_SHARE), "round_trip": _latency()}
    )  # fmt: skip


def _probe() -> Schema:
    counts = dict.fromkeys(("sent", "answered", "late", "unasked"), _COUNT)
    names = dict.fromkeys(("probe", "kind", "source", "target"), _TEXT)
    windows = _list(_row(_SECONDS, _or_null(_SECONDS), {"type": "integer", "minimum": 1}))
    return _object({**names, **counts, "loss": _SHARE, "windows": windows, "round_trip": _or_null(_FREE)})


def _metrics() -> Schema:
    series = {"type": "object", "additionalProperties": _list(_or_null(_NUMBER))}
    return _object({"at": _list(_SECONDS), "series": series})


def _light_ports() -> Schema:
    row = _object({"name": _TEXT, **dict.fromkeys(PORT_COUNTERS, _COUNT)})
    return {"type": "object", "properties": {"vpcs": _list(row), "compute_hosts": _list(row)}}


def _worker() -> Schema:
    return _object(
        {"name": _TEXT, "operations": _COUNT, "errors": _COUNT, "lateness": _latency(),
         "clock_error": _SECONDS, "clock_drift": _or_null(_NUMBER), "failure": _TEXT}
    )  # fmt: skip


def _leaks() -> Schema:
    counts = {"type": "object", "additionalProperties": _row(_NUMBER, _NUMBER)}
    return _object({"counts": counts, "leaked": _list(_TEXT)})
