"""Options that several commands have: the engine, and numbers of seconds.

click's own ranges let `nan` and infinity pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from emulator.cli.complete import complete_engines, complete_networks
from emulator.cli.invocation import Invocation
from emulator.errors import UsageError
from topologies.engines import engine_choices

FC = TypeVar("FC", bound=Callable[..., Any])

_MOST = 1_000_000.0
"""Eleven days; poll(2) counts milliseconds in 31 bits, which is twenty-four."""


def engine_option(when: str = "") -> Callable[[FC], FC]:
    """Return the option --engine, whose help begins with `when`."""
    begin = f"{when}: use" if when else "Use"
    return click.option(
        "--engine",
        metavar="ENGINE",
        shell_complete=complete_engines,
        help=f"{begin} this engine instead of the file's: {engine_choices()}.",
    )


def json_option() -> Callable[[FC], FC]:
    """Return the option --json: the answer is one JSON object, also that of an error."""
    return click.option(
        "--json", "as_json", is_flag=True, is_eager=True, callback=_note_json,
        help="Print one JSON object on standard output.",
    )  # fmt: skip


def _note_json(context: click.Context, option: click.Parameter, value: bool) -> bool:
    """Tell the invocation that its answer is JSON; a line of `shell` has none of its own."""
    del option
    invocation = context.find_root().obj
    if isinstance(invocation, Invocation):
        invocation.as_json = value
    return value


def net_option() -> Callable[[FC], FC]:
    """Return the option --net, which every command about a running network has."""
    return click.option(
        "--net", metavar="NAME", shell_complete=complete_networks, help="The network, if several are up."
    )


def name_or_net(name: str | None, net: str | None) -> str | None:
    """Return the network that NAME or --net give; UsageError if they give two."""
    if name is not None and net is not None and name != net:
        raise UsageError(f"`{name}` and --net {net} are two networks; give one")
    return name if net is None else net


def scheduler_option() -> Callable[[FC], FC]:
    """Return the option --scheduler, for the engine cluster."""
    return click.option(
        "--scheduler", metavar="ADDRESS",
        help="Scheduler of the cluster, for the engine cluster: tls://HOST:8786.",
    )  # fmt: skip


def given_options(scheduler: str | None) -> dict[str, str]:
    """Return the engine options that the command line gives."""
    return {"scheduler": scheduler} if scheduler else {}


def seconds(
    least: float, most: float = _MOST
) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    """Return the callback of an option that takes seconds from `least` to `most`.

    It gives a float, or None where there is none, and raises click.BadParameter.
    """

    def parsed(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
        del context, option
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not least <= number <= most:  # nan isn't, either
            raise click.BadParameter(f"`{value}` is not a number of seconds from {least:g} to {most:,.0f}")
        return number

    return parsed
