"""Commands on other machines carry a mark in their environment, by which they are found and ended there.

Neither a closed SSH session nor a client that gives up a remote call ends the command. A mark is inherited by
all that a command starts, in whatever process group or namespace it is.
"""

from __future__ import annotations

import shlex
import uuid

VARIABLE = "EMULATOR_JOB"
ATTEMPT_SECONDS = 30.0
"""Time for ending the commands of one job, whose workers may not answer."""
_POLITE = 10
"""Fifths of a second that commands have to end by themselves after SIGTERM."""


def owner_mark(network: str) -> str:
    """Return what the marks of all jobs of `network` begin with."""
    return f"{VARIABLE}={network}:"


def job_mark(network: str) -> str:
    """Return the mark of a new job."""
    return owner_mark(network) + uuid.uuid4().hex


def marked(mark: str, command: str) -> str:
    """Return a shell's `command` with `mark` in its environment."""
    name, _, value = mark.partition("=")
    return f"{name}={shlex.quote(value)} {command}"


def end_script(mark: str) -> str:
    """Return the lines for `sh` that end all processes with `mark`, and all that these have started.

    They get SIGTERM, and SIGKILL 2 s later. What has cleared its environment is found by its parent.
    """
    return rf"""
marked() {{
  {{ grep -lszF -e {shlex.quote(mark)} /proc/[0-9]*/environ | cut -d/ -f3; ps -eo pid=,ppid= 2>/dev/null; }} |
  awk 'NF == 1 {{ m[$1] }} NF == 2 {{ p[$1] = $2 }} END {{
    do {{ n = 0; for (i in p) if (!(i in m) && p[i] in m) {{ m[i]; n = 1 }} }} while (n)
    for (i in m) print i }}'
}}
found=$(marked)
left() {{ for p in $found $(marked); do grep -qs '^State:.[^XZ]' /proc/$p/status && echo $p; done; }}
if [ -n "$found" ]; then
  kill -TERM $found 2>/dev/null
  n=0
  while [ $n -lt {_POLITE} ] && [ -n "$(left)" ]; do sleep 0.2; n=$((n + 1)); done
  found=$(left)
  [ -z "$found" ] || kill -KILL $found 2>/dev/null
fi
true
"""
