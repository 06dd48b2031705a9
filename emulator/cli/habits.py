"""What users of Mininet, containerlab and netlab type from habit, and what to write here instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import click

_UP = "`emulator up FILE` starts a network, and changes one that runs"
_DOWN = "`emulator down NAME` removes a network, `emulator down --all` removes all"
_STATUS = "`emulator status` lists networks"
_INSPECT = "`emulator inspect` shows nodes, interfaces, addresses and links"
_SHELL = "`emulator shell` takes lines such as `h1 ping h2`, `net`, `pingall`, `iperf h1 h2`, `py net`"
_CHECK = "`emulator check` pings between all hosts; `emulator shell` has `pingall`"
_EXEC = "`emulator exec NODE -- CMD` runs a command in a node, `emulator shell` many"
_LINK = "`emulator link A B down|up|set` changes a running link"
_PLAN = "`emulator plan FILE` reads and checks a file, and creates nothing"

_MEANT = {
    _UP: ("deploy", "redeploy", "start", "restart", "create", "apply", "launch", "reconfigure", "mn", "run"),
    _DOWN: ("destroy", "stop", "delete", "remove", "cleanup", "clean", "kill", "rm"),
    _STATUS: ("list", "ls", "ps", "show"),
    _INSPECT: ("net", "nodes", "links", "dump", "intfs", "ports", "report", "info"),
    _SHELL: ("sh", "cli", "mininet", "console", "iperf", "iperfudp", "pingpair", "xterm", "py", "dpctl"),
    _CHECK: ("pingall", "ping", "test", "verify"),
    _EXEC: ("connect", "attach", "enter", "cmd", "command", "ssh"),
    _LINK: ("tc", "netem", "tools", "impair", "disable", "enable", "intf"),
    _PLAN: ("validate", "lint", "config"),
    "`emulator graph FILE -o OUT.svg` draws a network": ("draw", "plot", "view", "topology"),
    "`emulator capture NODE -w FILE` records packets": ("tcpdump", "sniff", "wireshark", "pcap"),
    "`emulator --version` prints it": ("version",),
    "`emulator COMMAND --help` explains a command": ("help", "man"),
}

COMMANDS: Mapping[str, str] = {word: words for words, all_of in _MEANT.items() for word in all_of}
"""Command of another program -> what to write."""

_FILE = "give the file without an option: `emulator up FILE`"
_OPENFLOW = "write `switch: ovs` and `openflow: {controller: …}` in a file"
_MININET_FILE = "write a file with `name:` and `topology: {mininet: FILE.py, topo: NAME}`"
_BESIDE = "first `emulator up --topo …`, then `emulator check`, or a line for `emulator shell`"
_RULE = "write `links: [{bandwidth: 10 Mbit}]` in a file; running links: `emulator link A B set …`"
_ALL = "`emulator down --all`"

OPTIONS: Mapping[str, Mapping[str, str]] = {
    "up": {
        "--topology": _FILE, "-t": _FILE, "--file": _FILE, "-f": _FILE,
        "--custom": _MININET_FILE, "--test": _BESIDE, "--link": _RULE, "--bw": _RULE,
        "--switch": _OPENFLOW, "--controller": _OPENFLOW, "--remote": _OPENFLOW,
        "--mac": "MACs are computed from the nodes' numbers; others are stated by `mac:` of a node",
        "--arp": "write `addressing: {static_arp: true}` in a file",
        "--ipbase": "write `addressing: {ipv4: 10.0.0.0/8}` in a file", "-i": "write `addressing:` in a file",
        "--nat": "write a file with a node of `kind: nat`",
        "--clean": _ALL, "-c": _ALL, "--cleanup": _ALL,
        "--reconfigure": "`emulator up` of a changed file changes only what differs; after "
        "`emulator down NAME` it begins anew",
        "--cluster": "write `engine: cluster` in a file", "--placement": "write `placement:` in a file",
        "--name": "write `name:` in the file",
    },
    "down": {
        "-a": _ALL, "-A": _ALL, "--topo": "give its name, or FILE: `emulator down NAME`",
        "-t": "give FILE or NAME without an option", "--name": "give NAME without an option",
        "--cleanup": "`down` always leaves nothing", "-c": "`down` always leaves nothing",
    },
    "inspect": {
        "--all": _STATUS, "-a": _STATUS, "-t": "give NAME without an option", "--name": "write --net NAME",
    },
    "status": {"--all": "it lists all without an option", "-a": "it lists all without an option"},
    "capture": {
        "-i": "give NODE, or NODE:PORT with the number of a port", "-n": "addresses are always numbers",
    },
    "graph": {"-t": "give FILE without an option", "--topology": "give FILE without an option"},
    "emulator": {
        "--topo": "it is an option of `emulator up`", "--custom": _MININET_FILE, "--test": _BESIDE,
        "-c": _ALL, "--clean": _ALL, "--switch": _OPENFLOW, "--controller": _OPENFLOW, "--link": _RULE,
        "-v": "`emulator --version`",
    },
}  # fmt: skip
"""Command here -> option of another program -> what to write."""

_EXTRA = re.compile(r"^Got unexpected extra arguments? \((?P<word>[\w-]+)(?:=|\s+)?(?P<value>[^)]*)\)$")


def meant_by_option(command: str, option: str) -> str:
    """Return what to write instead of an option that `command` hasn't; empty if nobody knows."""
    return OPTIONS.get(command, {}).get(option, "")


def meant_by_word(message: str, known: Iterable[str]) -> str:
    """Return the option of `known` that an unexpected word of click's `message` means; empty if none.

    `bw=5` and `bandwidth 5` mean `--bandwidth 5`.
    """
    from topologies.suggestions import SYNONYMS

    found = _EXTRA.match(message)
    if found is None:
        return ""
    word = found["word"].replace("-", "_")
    option = f"--{SYNONYMS.get(word, word).replace('_', '-')}"
    return f"`{option} {found['value'] or 'VALUE'}`" if option in set(known) else ""


def advised(error: click.UsageError) -> click.UsageError:
    """Return the error of click's parser with what to write instead, where it is known."""
    context = error.ctx
    if context is None:
        return error
    if isinstance(error, click.NoSuchOption):
        command = "emulator" if context.parent is None else str(context.info_name)
        advice = meant_by_option(command, error.option_name)
        words = f"No such option '{error.option_name}'; {advice}"
        return click.NoSuchOption(error.option_name, words, ctx=context) if advice else error
    lacking = error.param if isinstance(error, click.MissingParameter) else None
    if isinstance(lacking, click.Option) and lacking.metavar:
        words = f"{error.format_message().rstrip('.')}; write `{lacking.opts[0]} {lacking.metavar}`"
        return click.UsageError(words, context)
    known = [word for option in context.command.params for word in option.opts]
    advice = meant_by_word(error.format_message(), known)
    return click.UsageError(f"{error.format_message()}; write {advice}", context) if advice else error
