"""`emulator doctor`: what this machine has and lacks, and the command that fixes it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from emulator.cli.network_file import NetworkFile, network_file
from emulator.cli.options import engine_option, given_options, json_option, scheduler_option
from emulator.cli.output import answer, print_json, say

if TYPE_CHECKING:
    from topologies.given import Description

_MARKS = {"ok": "ok     ", "missing": "MISSING", "unknown": "?      "}


@click.command("doctor", epilog="\b\nExamples:\n  emulator doctor\n  emulator doctor dc.yaml --json")
@network_file(required=False)
@engine_option("With FILE")
@scheduler_option()
@json_option()
def command(given: NetworkFile | None, engine: str | None, scheduler: str | None, *, as_json: bool) -> int:
    """Show what this machine has and lacks, and whether FILE can run here, or on the workers of its engine.

    For engines on workers, what this machine has is left out: it makes no nodes. The exit code is 3 if
    something required is missing. Without root, some checks are skipped and named.
    """
    from emulator.linux.machine.checks import machine_checks

    described = given.describe() if given else None
    elsewhere = described is not None and _on_workers(described, engine)
    findings = () if elsewhere else machine_checks()
    for finding in findings:
        fix = f"  -> {finding.fix}" if finding.found == "missing" and finding.fix else ""
        answer(f"{_MARKS[finding.found]} {finding.name:36} {finding.value}{fix}".rstrip())
    unknown = [finding.name for finding in findings if finding.found == "unknown"]
    if unknown:
        answer(f"skipped without root: {', '.join(unknown)}; run it under sudo")
    networks = _networks()
    needs = _needs(str(given), described, engine, given_options(scheduler)) if described else None
    lacking = [finding.name for finding in findings if finding.is_fatal]
    fit = not lacking and not (needs and needs["reasons"])
    if lacking:
        answer(f"no network can run here: {', '.join(lacking)} missing")
    elif needs is None:
        answer("networks can run here" if not unknown else "networks can run here, as far as was checked")
    if as_json:
        print_json(
            {
                "fit": fit,
                "findings": [
                    {
                        "name": f.name,
                        "found": f.found.value,
                        "value": f.value,
                        "basic": f.basic,
                        "fix": f.fix,
                    }
                    for f in findings
                ],
                "networks": networks,
                "file": needs,
            }
        )
    return 0 if fit else 3


def _on_workers(described: Description, chosen: str | None) -> bool:
    """Return whether the nodes of a file are made on workers: this machine's abilities don't count then."""
    from topologies.engines import ENGINES

    return ENGINES[chosen or described.document.spec.engine_name].on_workers


def _networks() -> list[dict[str, Any]]:
    """Return the networks that are up, and print those that are broken."""
    from emulator.engines.registry import attach
    from emulator.errors import EmulationError
    from emulator.state import names

    try:
        known = names()
    except PermissionError:
        say("networks: skipped without root")
        return []
    out: list[dict[str, Any]] = []
    for name in known:
        try:
            problems = list(attach(name).health().problems) if os.geteuid() == 0 else []
        except EmulationError as error:
            problems = [str(error)]
        out.append({"network": name, "problems": problems})
        answer(f"network {name} is {'BROKEN: ' + '; '.join(problems) if problems else 'up'}"
            + (f"  -> emulator down {name}" if problems else ""))  # fmt: skip
    return out


def _needs(file: str, described: Description, chosen: str | None, given: dict[str, str]) -> dict[str, Any]:
    """Return what `file` needs, and every reason why it can't run on this machine or its engine's workers."""
    from emulator.cli.worker_findings import examined
    from emulator.engines.planning import planned
    from emulator.engines.registry import engine_named
    from emulator.errors import RefusedError
    from topologies.counting import size_text
    from topologies.engines import ENGINES

    document, topology = described.document, described.topology
    engine = engine_named(chosen or document.spec.engine_name)
    workers, reasons = examined(document, engine, given)
    plan = planned(document, topology, engine, given=given)
    try:
        engine.accept(plan)
    except RefusedError as error:
        reasons += error.reasons
    memory = int(plan.counts.memory.sum())
    shapes = {shape for profile in topology.link_profiles for shape in (profile.forward, profile.backward)}
    needs = {
        "netem": any(shape.needs_netem for shape in shapes),
        "tbf": any(shape.bandwidth is not None for shape in shapes),
        "cgroup cpu": any(profile.cpu is not None for profile in topology.node_profiles),
        "cgroup memory": any(profile.memory is not None for profile in topology.node_profiles),
    }
    used = [name for name, needed in needs.items() if needed]
    answer(f"{file} needs {size_text(memory)} of memory" + (f", {', '.join(used)}" if used else ""))
    for reason in reasons:
        answer(f"  can't run here: {reason}")
    if not reasons:
        asked = ", ".join(worker.name for worker in plan.workers)
        answer(
            f"  it can run: the workers {asked} have what it needs"
            if ENGINES[engine.name].on_workers
            else "  it can run here"
        )
    return {
        "path": file,
        "network": topology.name,
        "memory_bytes": memory,
        "needs": used,
        "reasons": reasons,
        "on_workers": ENGINES[engine.name].on_workers,
        "workers": workers,
    }
