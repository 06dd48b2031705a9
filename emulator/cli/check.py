"""`emulator check`: compare reachability and round trips with the graph."""

from __future__ import annotations

from collections.abc import Iterable

import click

from emulator.cli.complete import complete_networks
from emulator.cli.options import json_option, name_or_net, net_option, seconds
from emulator.cli.output import answer, is_computed, print_json, say
from topologies.counting import counted

_SHOWN = 20


@click.command("check", epilog="\b\nExamples:\n  emulator check\n  emulator check dc --sample 1000")
@click.argument("name", required=False, shell_complete=complete_networks)
@net_option()
@click.option("--sample", type=click.IntRange(1), help="Test this many pairs instead of all.")
@click.option(
    "--timeout",
    callback=seconds(0.05, 60),
    metavar="SECONDS",
    default="1",
    show_default=True,
    help="Wait this long for an answer.",
)
@json_option()
def command(
    name: str | None, net: str | None, sample: int | None, timeout: float, *, as_json: bool
) -> int:  # fmt: skip
    """Ping between hosts; compare who answers, and when, with the graph; exit 1 on a difference."""
    from emulator.checks.reachability import check_reachability
    from emulator.cli.networks import chosen_network
    from emulator.under_stress import going_on, left_behind

    network = chosen_network(name_or_net(name, net))
    problems = left_behind(network.name)
    for line in (*problems, *going_on(network.name)):
        say(line)
    result = check_reachability(network, sample, timeout)
    _list(
        f"{entry['from']} -> {entry['to']} ({entry['address']}): "
        f"expected {entry['expected']}, found {entry['found']}"
        for entry in result.unexpected
    )
    _list(trip.words for trip in result.wrong_trips)
    if result.wrong_trips:
        answer(f"{len(result.wrong_trips):,} of {counted(result.round_trips, 'round trip')} unexpected")
    answer(f"{counted(result.pairs, 'pair')}, {result.reachable:,} reachable, "
        f"{result.expected:,} expected, "
        f"{len(result.unexpected):,} unexpected, {result.seconds:.2f} s"
        + " (computed)" * is_computed(network.engine))  # fmt: skip
    if result.equal_addresses:
        answer(f"{counted(result.equal_addresses, 'pair')} not tested: of two VPCs, where the port's own VPC "
            f"has the other's address, and answers itself")  # fmt: skip
    away = list(network.health().notes) if network.controllers else []
    for line in away:
        answer(line)
    if as_json:
        print_json(
            {"network": network.name, "pairs": result.pairs, "expected": result.expected,
             "reachable": result.reachable, "unexpected": result.unexpected,
             "equal_addresses": result.equal_addresses,
             "round_trips": {"pairs": result.round_trips,
                             "unexpected": [trip.json for trip in result.wrong_trips]},
             "problems": problems, "controllers": away, "seconds": round(result.seconds, 6)}
        )  # fmt: skip
    return 0 if result.is_right and not problems else 1


def _list(lines: Iterable[str]) -> None:
    """Print the first lines, and how many more there are."""
    found = list(lines)
    for line in found[:_SHOWN]:
        answer(line)
    if len(found) > _SHOWN:
        answer(f"… and {len(found) - _SHOWN:,} more")
