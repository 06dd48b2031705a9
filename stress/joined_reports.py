"""What actions report, joined: flows from their halves, on a cluster a step from all workers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Report = dict[str, Any]

_NO_FLOW: Report = {"sent_bytes": 0, "received_bytes": 0, "seconds": 0.0, "error": "", "series": []}


def joined_flows(halves: Iterable[Mapping[str, Any]]) -> list[Report]:
    """Return the flows from their halves: step after step as they come, by number.

    The first error of a flow counts: that of its sender comes before that of its receiver. A flow begins when
    its sender does.
    """
    found: dict[str, dict[int, Report]] = {}
    for half in halves:
        flow = found.setdefault(half["step"], {}).setdefault(half["number"], {})
        first, then = (half, flow) if "sent_bytes" in half else (flow, half)
        flow |= {**then, **first, "error": first.get("error") or then.get("error", "")}
    return [
        {**{key: flow[key] for key in ("step", "source", "target", "protocol", "begun")}, **_NO_FLOW,
         **{key: value for key, value in flow.items() if key != "number"}}
        for flows in found.values() for _, flow in sorted(flows.items())
    ]  # fmt: skip


def joined_reports(by_worker: Mapping[str, Iterable[Sequence[Any]]]) -> list[tuple[str, Report]]:
    """Return the reports [kind, what] of all workers as one run's; flows are still halves."""
    flows = [
        ("traffic", dict(what)) for some in by_worker.values() for kind, what in some if kind == "traffic"
    ]
    growths = {worker: [what for kind, what in some if kind == "ramp"] for worker, some in by_worker.items()}
    return [*flows, *(("ramp", what) for what in joined_growths(growths))]


def joined_growths(growths: Mapping[str, Sequence[Report]]) -> list[Report]:
    """Return one report a step from those of each worker: a size counts once the last worker has reached it.

    Its seconds are those of the slowest, its memory is the least of any machine. Who stopped is named.
    """
    by_step: dict[str, dict[str, Report]] = {}
    for worker, reports in growths.items():
        for report in reports:
            by_step.setdefault(report["step"], {})[worker] = report
    return [_joined(reports) for reports in by_step.values()]


def _joined(reports: Mapping[str, Report]) -> Report:
    sizes = [
        {"hosts": some[0]["hosts"], "seconds": max(one["seconds"] for one in some),
         "memory_available": min(one["memory_available"] for one in some)}
        for some in zip(*(report["sizes"] for report in reports.values()), strict=False)
    ]  # fmt: skip
    stopped = [f"{worker}: {one['stopped_by']}" for worker, one in reports.items() if one["stopped_by"]]
    return {
        **next(iter(reports.values())), "sizes": sizes,
        "last_good": sizes[-1]["hosts"] if sizes else 0, "stopped_by": "; ".join(stopped),
    }  # fmt: skip
