"""`Invocation`: one run of the command line. Its module is imported at each start, and imports nothing."""

from __future__ import annotations

import click


class Invocation:
    """One run of the command line, with the words `argv`, which `elevate` runs again under sudo.

    click's root context holds it as `obj`. `as_json` tells whether the answer is a JSON object, `printed`
    whether that was printed.
    """

    def __init__(self, argv: tuple[str, ...]) -> None:
        self.argv = argv
        self.as_json = False
        self.printed = False


def invocation() -> Invocation | None:
    """Return the invocation that is going on; None outside the command line."""
    context = click.get_current_context(silent=True)
    found = context and context.find_root().obj
    return found if isinstance(found, Invocation) else None
