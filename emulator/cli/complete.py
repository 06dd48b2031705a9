"""What shells complete: networks, nodes, engines, programs. Nothing is completed where it can't be read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_MOST = 2000
"""Most names to offer; shells show them all."""


def complete_networks(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return the networks that are up."""
    del ctx, param
    return items(networks(), start)


def complete_network_or_file(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return the networks that are up; where none begins like this, leave it to the shell: files."""
    return items(networks(), start) or complete_files(ctx, param, start)


def complete_files(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Leave it to the shell: files."""
    from click.shell_completion import CompletionItem

    del ctx, param
    return [CompletionItem(start, type="file")]


def complete_command(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return programs for the first word of a node's command; others, and paths, are left to the shell."""
    first = ctx.params.get(param.name or "") in (None, (), ("--",))
    return items(programs(start), start) if first and "/" not in start else complete_files(ctx, param, start)


def programs(start: str) -> list[str]:
    """Return the programs of this machine that begin with `start`."""
    found: set[str] = set()
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        with suppress(OSError):
            found.update(one.name for one in Path(folder or ".").iterdir() if one.name.startswith(start))
    return sorted(found)


def networks() -> list[str]:
    """Return the networks that are up, as far as this user can read them."""
    from emulator.state import names

    with suppress(Exception):  # a shell that waits for a word has no use for errors
        return names()
    return []


def complete_nodes(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return the nodes of the network that --net or the words before name, or of the only one."""
    del param
    return items(_nodes(ctx, start), start)


def complete_network_or_node(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return networks for the first word, and nodes."""
    del param
    first = [] if _words_before(ctx) else networks()
    return items([*first, *_nodes(ctx, start)], start)


def complete_peers(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return the nodes that a link joins with the node before."""
    del param
    chosen = _chosen(ctx)
    with suppress(Exception):
        from emulator.engines.registry import attach
        from emulator.interface.finding import found_node, peers_of

        network = attach(chosen or "")
        return items(
            network.topology.names.take(peers_of(network, found_node(network, ctx.params["a"]))), start
        )
    return []


def complete_engines(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return the engines."""
    from topologies.engines import ENGINES

    del ctx, param
    return items(ENGINES, start)


def complete_generators(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return the generators of --topo."""
    from topologies.families import GENERATORS

    del ctx, param
    return items(("minimal", "reversed", *GENERATORS), start)


def items(words: Iterable[str], start: str) -> list[CompletionItem]:
    """Return the words that begin with `start`."""
    from click.shell_completion import CompletionItem

    found = (word for word in words if word.startswith(start))
    return [CompletionItem(word) for _, word in zip(range(_MOST), found, strict=False)]


def _words_before(ctx: click.Context) -> list[str]:
    """Return the arguments that are on the line already."""
    words: list[str] = []
    for value in (
        ctx.params.get(option.name or "")
        for option in ctx.command.params
        if not option.opts[0].startswith("-")
    ):
        words += [value] if isinstance(value, str) else [one for one in value or () if isinstance(one, str)]
    return words


def _nodes(ctx: click.Context, start: str) -> list[str]:
    """Return names of nodes of the network that the line is about."""
    chosen = _chosen(ctx)
    if chosen is None:
        return []
    with suppress(Exception):
        from emulator.engines.registry import attach

        names = attach(chosen).topology.names
        matching = names.match(f"{_literal(start)}*")[:_MOST].tolist()
        return [names[node] for node in matching]
    return []


def _chosen(ctx: click.Context) -> str | None:
    """Return the network that the line is about, if this user can read it."""
    known = networks()
    before = [ctx.params.get("net"), *_words_before(ctx)]
    chosen = next((word for word in before if word in known), known[0] if len(known) == 1 else None)
    if chosen is None or (os.geteuid() != 0 and not _is_readable(chosen)):
        return None
    return chosen


def _is_readable(name: str) -> bool:
    from emulator.state import state_root

    return os.access(state_root() / name, os.R_OK | os.X_OK)


def _literal(start: str) -> str:
    """Return `start` as a pattern that means itself."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in start)
