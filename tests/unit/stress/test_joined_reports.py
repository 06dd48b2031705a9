"""Flows from their halves, and a step of several workers as one."""

from __future__ import annotations

from typing import Any

from stress.actions.flow_group import port_of
from stress.joined_reports import joined_flows, joined_growths, joined_reports


def half(number: int, begun: float, step: str = "t", **found: Any) -> dict[str, Any]:
    facts = {"step": step, "source": "h1", "target": "h2", "protocol": "udp", "begun": begun}
    return {**facts, "number": number, "error": "", **found}


def test_a_flow_is_joined_from_its_halves_whoever_tells_first() -> None:
    sent = half(0, 1.0, sent_bytes=9, seconds=1.0, error="EPIPE")
    received = half(0, 1.5, received_bytes=7, series=[7], error="ECONNRESET")
    facts = {"step": "t", "source": "h1", "target": "h2", "protocol": "udp", "begun": 1.0}
    whole = {**facts, "sent_bytes": 9, "received_bytes": 7, "seconds": 1.0, "error": "EPIPE", "series": [7]}
    assert joined_flows([sent, received]) == joined_flows([received, sent]) == [whole]
    assert list(joined_flows([received, sent])[0]) == list(joined_flows([sent, received])[0])


def test_a_half_alone_is_a_flow_that_brought_nothing_and_steps_stay_apart() -> None:
    found = joined_flows([
        half(1, 2.0, sent_bytes=1, seconds=2.0), half(0, 1.0, received_bytes=3, error="ECONNRESET"),
        half(0, 1.0, step="u", received_bytes=4),
    ])  # fmt: skip
    assert [(one["step"], one["sent_bytes"], one["received_bytes"], one["error"]) for one in found] == [
        ("t", 0, 3, "ECONNRESET"), ("t", 1, 0, ""), ("u", 0, 4, ""),
    ]  # fmt: skip


def test_a_vpc_has_grown_once_the_last_worker_has_it() -> None:
    def growth(sizes: list[tuple[int, float, int]], stopped_by: str = "") -> dict[str, Any]:
        rows = [{"hosts": n, "seconds": s, "memory_available": m} for n, s, m in sizes]
        return {"step": "g", "sizes": rows, "last_good": sizes[-1][0], "stopped_by": stopped_by, "grown": "x"}

    some = {
        "a": [growth([(10, 0.1, 500), (20, 0.4, 400), (30, 0.1, 300)])],
        "b": [growth([(10, 0.2, 90), (20, 0.3, 80)], "it took long")],
        "c": [],
    }
    whole = growth([(10, 0.2, 90), (20, 0.4, 80)], "b: it took long")
    assert joined_growths(some) == [whole]
    told = {name: [["ramp", one] for one in reports] for name, reports in some.items()}
    assert joined_reports(told) == [("ramp", whole)]


def test_each_flow_of_a_step_has_a_port_below_those_that_kernels_choose() -> None:
    ports = {port_of("traffic", number) for number in range(1000)}
    assert len(ports) == 1000
    assert all(1024 < port < 32768 for port in ports)
    assert port_of("traffic", 0) != port_of("traffic-2", 0)
