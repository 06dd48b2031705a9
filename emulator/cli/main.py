"""The `emulator` command: imports the module of a command, runs it, turns errors into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import click

from emulator.cli.failures import drop_output, error_object, told, with_suggestion
from emulator.cli.invocation import Invocation
from emulator.cli.lazy import LazyGroup
from emulator.cli.surroundings import open_streams, require_memory
from emulator.version import __version__

if TYPE_CHECKING:
    from topologies.errors import Problem

COMMANDS = {
    "up": ("emulator.cli.up:command", "start a network, or change a running one"),
    "down": ("emulator.cli.down:command", "remove a network"),
    "status": ("emulator.cli.status:command", "list networks, or compare one with its plan"),
    "inspect": ("emulator.cli.inspect:command", "show all nodes: interfaces, addresses, what runs"),
    "exec": ("emulator.cli.execute:command", "run a command in nodes"),
    "shell": ("emulator.cli.shell.command:command", "run commands in nodes interactively"),
    "check": ("emulator.cli.check:command", "compare reachability and round trips with the graph"),
    "link": ("emulator.cli.link:command", "cut, restore or shape a running link"),
    "migrate": ("emulator.cli.migrate:command", "move a light port to another compute host"),
    "capture": ("emulator.cli.capture:command", "record the packets of a port or link"),
    "stress": (
        "stress.cli.stress:command",
        "run a stress test: faults and traffic on a schedule",
    ),
    "workers": ("emulator.cli.workers.group:command", "prepare, start and show the machines of a cluster"),
    "plan": ("emulator.cli.plan:command", "show what a file needs: counts, placement, memory"),
    "graph": ("emulator.cli.graph:command", "draw a file's network"),
    "export": ("emulator.cli.export:command", "convert a file's network to another format"),
    "examples": ("emulator.cli.examples:command", "list and copy example files"),
    "schema": ("emulator.cli.schema:command", "print the JSON schema of topology files, for editors"),
    "completion": ("emulator.cli.completion:command", "print the completion script of a shell"),
    "doctor": ("emulator.cli.doctor:command", "show what this machine lacks, and how to fix it"),
}
"""Command -> ("module:attribute", one line of help). The module is imported when the command is run."""

EPILOG = """\b
Examples:
  emulator up dc.yaml                  start a network
  emulator up --topo tree,2,3          start one without a file
  emulator exec h1 -- ping -c1 h2      run a command in a node
  emulator check                       test reachability
  emulator down --all                  remove all networks
\b
Exit codes: 0 success, 1 a check or limit failed, 2 wrong input,
3 this machine can't do it, 4 an error, 130 Ctrl-C."""


@click.command(
    cls=LazyGroup, table=COMMANDS, habits="emulator.cli.habits:COMMANDS", epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
@click.version_option(__version__, message="%(version)s")
def emulator() -> None:
    """Run networks of any size that YAML files describe."""


def run(argv: Sequence[str]) -> int:
    """Run the command line and return its exit code; errors go to standard error, one line each."""
    open_streams()
    invocation = Invocation(tuple(argv))
    try:
        require_memory()
        return _main(invocation)
    except click.exceptions.Abort as error:  # click's word for Ctrl-C
        return _stopped(error.__cause__, invocation)
    except click.ClickException as error:
        error = with_suggestion(error)
        error.show()
        invocation.as_json |= "--json" in takewhile(lambda word: word != "--", argv)
        return _ended(invocation, 2, error.format_message())
    except click.exceptions.Exit as error:
        return error.exit_code
    except SystemExit:  # only click calls this, when the reader of the output went away
        return 0
    except BrokenPipeError:
        drop_output()
        return 0
    except KeyboardInterrupt as error:
        return _stopped(error, invocation)
    except Exception as error:  # noqa: BLE001 -- the border: everything becomes a message and an exit code
        return _ended(invocation, *told(error))


def _main(invocation: Invocation) -> int:
    value = emulator.main(
        args=list(invocation.argv), prog_name="emulator", standalone_mode=False, obj=invocation
    )
    sys.stdout.flush()
    return _exit_code(value)


def _stopped(cause: BaseException | None, invocation: Invocation) -> int:
    """Return the shell's exit code for a command that a signal stopped; Ctrl-C if it isn't known which."""
    print("emulator: stopped", file=sys.stderr)
    return _ended(invocation, 128 + int(getattr(cause, "number", 2)), "stopped")


def _ended(invocation: Invocation, code: int, message: str, problems: Sequence[Problem] = ()) -> int:
    """Return the exit code of a failure; with --json, print it as an object unless an answer is out."""
    if invocation.as_json and not invocation.printed:
        from emulator.cli.output import print_json

        with suppress(OSError):
            print_json({"error": error_object(code, message, problems)})
    return code


def _exit_code(value: Any) -> int:
    return value if isinstance(value, int) else 0
