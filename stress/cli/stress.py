"""`emulator stress`: put a running network under stress by a scenario, and judge its limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from emulator.cli.network_file import TopologyFile
from emulator.cli.options import engine_option, json_option, net_option
from emulator.cli.output import answer, print_json, say
from emulator.errors import UsageError

_EPILOG = """\b
Examples:
  emulator stress stress/examples/port-churn.yaml --net dc --report out/
  emulator stress scenario.yaml --up topologies/examples/leaf-spine.yaml
  emulator stress scenario.yaml --up dc.yaml --dry-run
  emulator stress --recover --net dc
  emulator stress compare before/ after/
  emulator stress compare before/ after/ --fail-over 10%"""


@click.command("stress", epilog=_EPILOG)
@click.argument("words", nargs=-1, type=click.Path(), metavar="SCENARIO | compare A B")
@net_option()
@click.option("--up", "file", type=TopologyFile(), help="Start this file's network, and remove it after.")
@engine_option("With --up")
@click.option(
    "--report", "folder", type=click.Path(path_type=Path), help="Write the report into this folder."
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Use this seed.")
@click.option("--duration", metavar="TIME", help="Duration of all steps together.")
@click.option("--dry-run", is_flag=True, help="Print the schedule and exit.")
@click.option("--save-schedule", type=click.Path(path_type=Path), help="Write the schedule to this file.")
@click.option("--replay", type=click.Path(path_type=Path), help="Use the schedule in this file.")
@click.option("--prometheus", metavar="[ADDRESS:]PORT", help="Serve the figures of the active run.")
@click.option("--recover", is_flag=True, help="Restore what a killed run had removed.")
@click.option(
    "--fail-over",
    metavar="SHARE",
    help="With `compare`: exit 1 if a figure of B is worse than that of A by more than this: 10%.",
)
@json_option()
def command(words: tuple[str, ...], **options: Any) -> int:
    """Run the stress test SCENARIO on a network; exit 1 if a limit fails.

    `compare` shows what changed between the reports A and B.
    """
    if words[:1] == ("compare",) and len(words) != 1:
        return _compare(words[1:], options["fail_over"], as_json=options["as_json"])
    if options["fail_over"] is not None:
        raise UsageError("--fail-over needs `compare`: `emulator stress compare A B --fail-over 10%`")
    if options["recover"]:
        if words:
            raise UsageError("--recover takes no scenario; `--net NAME` selects the network")
        return _recover(options)
    if len(words) != 1:
        raise UsageError("give one scenario: `emulator stress SCENARIO.yaml --net NAME`")
    if options["file"] is not None and options["net"] is not None:
        raise UsageError("--up starts a network of its own; use it without --net")
    if options["file"] is None and options["engine"] is not None:
        raise UsageError("--engine needs --up; a running network keeps its engine")
    from stress.cli.run import print_schedule, run_scenario
    from stress.scenario.load import load

    document = load(words[0])
    return print_schedule(document, options) if options["dry_run"] else run_scenario(document, options)


def _compare(paths: tuple[str, ...], fail_over: str | None, *, as_json: bool) -> int:
    if len(paths) != 2:
        raise UsageError("compare takes two reports: `emulator stress compare before/ after/`")
    from stress.compare import as_json as as_data
    from stress.compare import compare
    from stress.gate import incomparable, share_of, worse_than

    share = None if fail_over is None else share_of(fail_over)
    rows, notes = compare(Path(paths[0]), Path(paths[1]))
    worse = [] if share is None else worse_than(rows, share)
    for words in notes:
        say(f"warning: {words}")
    if as_json:
        print_json(as_data(rows, notes) | ({} if share is None else {"worse": [row.figure for row in worse]}))
    else:
        for row in rows:
            print(row)
    if share is None:
        return 0
    lacking = incomparable(notes)
    for words in lacking:
        answer(f"FAILED  {words}")
    for row in worse:
        answer(f"FAILED  {row.figure} is worse by more than {share * 100:.4g} %: {row.change}")
    if not worse and not lacking:
        answer(f"passed  no figure is worse by more than {share * 100:.4g} %")
    return 1 if worse or lacking else 0


def _recover(options: dict[str, Any]) -> int:
    from emulator.cli.networks import chosen_network
    from emulator.interface.recovery import recover_run

    network = chosen_network(options["net"], change=True)
    given = recover_run(network, answer)
    if options["as_json"]:
        print_json({"network": network.name, "recovered": given})
    return 0
