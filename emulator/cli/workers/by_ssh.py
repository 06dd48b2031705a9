"""`emulator workers start` and `stop`: a cluster's machines over SSH."""

from __future__ import annotations

from pathlib import Path

import click

from emulator.cli.output import say


@click.command("start", epilog="\b\nExamples:\n  emulator workers start hosts.yaml")
@click.argument("file", metavar="HOSTS.yaml", type=click.Path(path_type=Path))
def start(file: Path) -> int:
    """Start the scheduler and the workers that HOSTS.yaml names, over SSH.

    They run under systemd, or under a supervisor of the emulator's where there is none, until `stop` or the
    end of the machine. What runs already is started again. Machines whose key isn't known are refused.
    """
    from emulator.carriers.ssh.hosts import load_hosts
    from emulator.carriers.ssh.lifecycle import start as start_all

    hosts = load_hosts(file)
    answering = start_all(hosts, say)
    say(f"{', '.join(answering)} answer; for the commands that use them:")
    say(f"export EMULATOR_CLUSTER_SCHEDULER={hosts.address}")
    say(f"export EMULATOR_CLUSTER_CERTIFICATES={hosts.certificates.resolve()}")
    return 0


@click.command("stop", epilog="\b\nExamples:\n  emulator workers stop hosts.yaml")
@click.argument("file", metavar="HOSTS.yaml", type=click.Path(path_type=Path))
def stop(file: Path) -> int:
    """Stop the scheduler and the workers that HOSTS.yaml names. Networks on them stay, and are named."""
    from emulator.carriers.ssh.hosts import load_hosts
    from emulator.carriers.ssh.lifecycle import stop as stop_all

    stop_all(load_hosts(file), say)
    return 0
