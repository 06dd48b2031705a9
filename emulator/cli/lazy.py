"""Groups of commands that import a command only when it runs: `--help` costs no imports."""

from __future__ import annotations

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, cast

import click

from emulator.garbage import importing

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Table = Mapping[str, tuple[str, str]]
"""Command -> ("module:attribute", one line of help)."""


class LazyGroup(click.Group):
    """Group of the commands in `table`, in its order.

    `habits` is "module:attribute" of a mapping: command of another program -> what to write here.
    """

    def __init__(self, *arguments: Any, table: Table, habits: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._table = table
        self._habits = habits

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the help."""
        del ctx
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command `cmd_name`, importing its module."""
        del ctx
        if cmd_name not in self._table:
            return None
        with importing():
            return cast("click.Command", resolve_name(self._table[cmd_name][0]))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in self._table.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin with `incomplete`, without importing them, and options."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=words)
            for name, (_, words) in self._table.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the command that was probably meant."""
        name = args[0]
        if name not in self._table and not name.startswith("-"):
            from topologies.suggestions import nearest

            habits: Mapping[str, str] = resolve_name(self._habits) if self._habits else {}
            ctx.fail(f"no command `{name}`; {habits.get(name) or nearest(name, self._table)}")
        return super().resolve_command(ctx, args)
