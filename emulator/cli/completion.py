"""`emulator completion`: print the script with which a shell completes commands, networks and nodes."""

from __future__ import annotations

import click

_PROGRAM = "emulator"
_VARIABLE = "_EMULATOR_COMPLETE"
_CHANGES: dict[str, tuple[tuple[str, str], ...]] = {
    "bash": (),
    "zsh": (
        ("#compdef %(prog_name)s", "#compdef %(prog_name)s emulate"),
        ("    (( ! $+commands[%(prog_name)s] )) && return 1\n", ""),
        ("=zsh_complete %(prog_name)s", "=zsh_complete $words[1]"),
        ("compdef %(complete_func)s %(prog_name)s", "compdef %(complete_func)s %(prog_name)s emulate"),
    ),
    "fish": (
        ("=fish_complete %(prog_name)s", "=fish_complete (commandline -opc)[1]"),
        ('string split "," ', 'string split --max 1 "," '),  # a comma in a description is no end of it
    ),
}
"""What differs from click's scripts: the program asked is the one on the line, as click's bash does."""

_ALSO = {
    "bash": "complete -o nosort -F _emulator_completion emulate\n",
    "zsh": "",
    "fish": 'complete --no-files --command emulate --arguments "(_emulator_completion)"\n',
}
"""What a clone's ./emulate needs; shells look a program's name up without its folder."""

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
    text = script.source_template
    for theirs, ours in _CHANGES[shell]:
        text = text.replace(theirs, ours)
    print(text % script.source_vars(), end="")
    print(_ALSO[shell], end="")
    return 0
