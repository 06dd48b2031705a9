"""`emulator workers check`, `start` and `stop`: a cluster's machines over SSH."""

from __future__ import annotations

from pathlib import Path

import click

from emulator.cli.options import json_option
from emulator.cli.output import answer, print_json, say


@click.command("check", epilog="\b\nExamples:\n  emulator workers check hosts.yaml --json")
@click.argument("file", metavar="HOSTS.yaml", type=click.Path(path_type=Path))
@json_option()
def check(file: Path, *, as_json: bool) -> int:
    """Look at the machines that HOSTS.yaml names, over SSH, before anything is started there.

    Login, host key, root, Python, release, clock, address, disk, limits and kernel. Nothing is changed. The
    exit code is 3 if something required is missing; each such line has its fix.
    """
    from dataclasses import asdict

    from emulator.carriers.ssh.check import check as check_all
    from emulator.carriers.ssh.hosts import load_hosts
    from emulator.cli.worker_findings import say_findings

    findings = check_all(load_hosts(file))
    say_findings(findings)
    fit = all(one.is_fine or not one.needed for one in findings)
    if as_json:
        print_json({"fit": fit, "findings": [asdict(one) for one in findings]})
    return 0 if fit else 3


@click.command("start", epilog="\b\nExamples:\n  emulator workers start hosts.yaml")
@click.argument("file", metavar="HOSTS.yaml", type=click.Path(path_type=Path))
@json_option()
def start(file: Path, *, as_json: bool) -> int:
    """Start the scheduler and the workers that HOSTS.yaml names, over SSH.

    They run under systemd, or under a supervisor of the emulator's where there is none, until `stop` or the
    end of the machine. What runs already is started again. Machines whose key isn't known are refused.
    """
    from emulator.carriers.ssh.hosts import load_hosts
    from emulator.carriers.ssh.lifecycle import start as start_all

    hosts = load_hosts(file)
    answering = start_all(hosts, say)
    answer(f"{', '.join(answering)} answer; for the commands that use them:")
    answer(f"export EMULATOR_CLUSTER_SCHEDULER={hosts.address}")
    answer(f"export EMULATOR_CLUSTER_CERTIFICATES={hosts.certificates.resolve()}")
    if as_json:
        print_json(
            {"workers": list(answering), "scheduler": str(hosts.address),
             "certificates": str(hosts.certificates.resolve())}
        )  # fmt: skip
    return 0


@click.command("stop", epilog="\b\nExamples:\n  emulator workers stop hosts.yaml")
@click.argument("file", metavar="HOSTS.yaml", type=click.Path(path_type=Path))
@json_option()
def stop(file: Path, *, as_json: bool) -> int:
    """Stop the scheduler and the workers that HOSTS.yaml names. Networks on them stay, and are named."""
    from emulator.carriers.ssh.hosts import load_hosts
    from emulator.carriers.ssh.lifecycle import stop as stop_all

    hosts = load_hosts(file)
    stop_all(hosts, say)
    if as_json:
        print_json({"workers": [], "scheduler": str(hosts.address)})
    return 0
