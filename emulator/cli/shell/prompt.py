"""Lines typed at a prompt, with history and completion."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from emulator.cli.complete import programs
from emulator.signals import handled

if TYPE_CHECKING:
    from emulator.cli.shell.interpreter import Interpreter

_MOST_NAMES = 50_000
"""Most nodes whose names are completed."""

_SECONDS = 0.1
"""How long Ctrl-C may go unnoticed at the prompt."""


def typed(interpreter: Interpreter, prompt: str) -> Iterator[str]:
    """Yield the lines that the user types, until the end of input; Ctrl-C drops the line begun."""
    _complete_words(interpreter)
    while True:
        try:
            with _interruptible():
                line = input(prompt)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
            continue
        yield line


@contextmanager
def _interruptible() -> Iterator[None]:
    """Make `input` notice each Ctrl-C.

    Python asks for signals only when its wait for a key is interrupted (Modules/readline.c,
    `readline_until_enter_or_signal`): one that comes between the prompt and that wait does nothing until
    the next key, 1 of 4,000 typed right at the prompt. A timer interrupts the wait soon after.
    """
    with handled([signal.SIGALRM], lambda _: None):
        signal.setitimer(signal.ITIMER_REAL, _SECONDS, _SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _complete_words(interpreter: Interpreter) -> None:
    """Enable completion, if Python has readline; it remembers lines by itself."""
    with suppress(ImportError):
        import readline

        def complete(text: str, state: int) -> str | None:
            before = readline.get_line_buffer()[: readline.get_begidx()].split()
            found = _completions(interpreter, before, text)
            if state >= len(found):
                return None
            return found[state] + ("" if found[state].endswith("/") else " ")

        readline.set_completer_delims(" \t\n;|&<>()'\"")
        readline.set_completer(complete)
        readline.parse_and_bind("tab: complete")


_ACTIONS = {("link", 3): ("up", "down", "set", "show"), ("switch", 2): ("start", "stop")}
"""Command, number of words before -> what may come next."""


def _completions(interpreter: Interpreter, before: list[str], text: str) -> list[str]:
    """Return what may follow the words `before`: nodes, commands first, programs after a node, files."""
    names = interpreter.names
    nodes = [name for name in names if name.startswith(text)] if len(names) < _MOST_NAMES else []
    if not before:
        return [*(word for word in interpreter.commands if word.startswith(text)), *nodes]
    actions = _ACTIONS.get((before[0], len(before)))
    if actions is not None and before[0] not in names:
        return [word for word in actions if word.startswith(text)]
    if len(before) == 1 and before[0] in names and "/" not in text:
        return [*programs(text), *nodes]
    return [*nodes, *_files(text)]


def _files(start: str) -> list[str]:
    """Return the paths that begin with `start`, folders with a slash."""
    folder, _, name = start.rpartition("/")
    place = folder or ("/" if start.startswith("/") else ".")
    prefix = start[: len(start) - len(name)]
    with suppress(OSError):
        return sorted(
            prefix + one.name + ("/" if one.is_dir() else "")
            for one in os.scandir(place)
            if one.name.startswith(name)
        )
    return []
