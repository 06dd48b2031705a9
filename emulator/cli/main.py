"""The `emulator` command: imports the module of a command, runs it, turns errors into exit codes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from emulator.cli.lazy import LazyGroup
from emulator.cli.surroundings import open_streams, require_memory
from emulator.version import __version__

COMMANDS = {
    "up": ("emulator.cli.up:command", "start a network, or change a running one"),
    "down": ("emulator.cli.down:command", "remove a network"),
    "status": ("emulator.cli.status:command", "list networks, or compare one with its plan"),
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
    cls=LazyGroup, table=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, message="%(version)s")
def emulator() -> None:
    """Run networks of any size that YAML files describe."""


def run(argv: Sequence[str]) -> int:
    """Run the command line and return its exit code; errors go to standard error, one line each."""
    open_streams()
    try:
        require_memory()
        return _main(argv)
    except click.exceptions.Abort as error:  # click's word for Ctrl-C
        return _stopped(error.__cause__)
    except click.ClickException as error:
        error.show()
        return 2
    except click.exceptions.Exit as error:
        return error.exit_code
    except SystemExit:  # only click calls this, when the reader of the output went away
        return 0
    except BrokenPipeError:
        _drop_output()
        return 0
    except KeyboardInterrupt as error:
        return _stopped(error)
    except Exception as error:  # noqa: BLE001 -- the border: everything becomes a message and an exit code
        return _failed(error)


def _main(argv: Sequence[str]) -> int:
    # `obj`: what `elevate` runs again under sudo
    value = emulator.main(args=list(argv), prog_name="emulator", standalone_mode=False, obj=tuple(argv))
    sys.stdout.flush()
    return _exit_code(value)


def _stopped(cause: BaseException | None) -> int:
    """Return the shell's exit code for a command that a signal stopped; Ctrl-C if it isn't known which."""
    print("emulator: stopped", file=sys.stderr)
    return 128 + int(getattr(cause, "number", 2))


def _drop_output() -> None:
    """Discard pending output to standard output."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _exit_code(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _failed(error: Exception) -> int:
    """Print an error for people and return its exit code."""
    from emulator.errors import SHORTAGES
    from topologies.errors import EmulationError, InputError

    if isinstance(error, InputError):
        print(error, file=sys.stderr)
        return error.exit_code
    if isinstance(error, EmulationError):
        for line in str(error).splitlines():
            print(f"emulator: {line}", file=sys.stderr)
        return error.exit_code
    if isinstance(error, MemoryError):
        error = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    if isinstance(error, OSError) and error.errno in SHORTAGES:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
            _drop_output()
            where = f" {error.filename}" if error.filename else ""
            print(f"emulator: can't write{where}: {error.strerror}", file=sys.stderr)
        else:
            print(f"emulator: {error.strerror}; {SHORTAGES[error.errno]}", file=sys.stderr)
        return 3
    if os.environ.get("EMULATOR_DEBUG"):
        import traceback

        traceback.print_exception(error)
    print(
        f"emulator: {type(error).__name__}: {error} (a bug in the emulator; EMULATOR_DEBUG=1 shows where)",
        file=sys.stderr,
    )
    return 4
