"""`emulator completion`: print the script with which a shell completes commands, networks and nodes."""

from __future__ import annotations

import click

_PROGRAM = "emulator"
_VARIABLE = "_EMULATOR_COMPLETE"
_ALSO = {"bash": "complete -o nosort -F _emulator_completion emulate\n", "zsh": "", "fish": ""}
"""What a clone's ./emulate needs; bash looks a program's name up without its folder."""

_EPILOG = """\b
Examples:
  source <(emulator completion bash)                                      in ~/.bashrc
  emulator completion bash > /etc/bash_completion.d/emulator               for all users
  emulator completion zsh > "${fpath[1]}/_emulator"
  emulator completion fish > ~/.config/fish/completions/emulator.fish"""


@click.command("completion", epilog=_EPILOG)
@click.argument("shell", type=click.Choice(tuple(_ALSO)))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print the completion script of SHELL: commands, options, files, networks, nodes, engines."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None, "click has all three"  # noqa: S101
    script = found(context.find_root().command, {}, _PROGRAM, _VARIABLE)
    # not `source()`, which runs bash to ask for its version: the script may be for another machine
    print(script.source_template % script.source_vars(), end="")
    print(_ALSO[shell], end="")
    return 0
