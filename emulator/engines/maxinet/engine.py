"""The engine maxinet: what MaxiNet needs beside the shared parts of engines on workers."""

from __future__ import annotations

from functools import partial

from emulator.engines.driven.shaping import beyond_tc_intf
from emulator.engines.maxinet.launch import TITLE, recipe, settings
from emulator.engines.maxinet.preflight import preflight
from emulator.engines.maxinet.refusals import refusals
from emulator.engines.remote.engine import RemoteEngine
from emulator.engines.remote.program import RemoteProgram


class MaxinetEngine(RemoteEngine):
    """Deploys plans to MaxiNet."""

    name = "maxinet"
    program = RemoteProgram(
        title=TITLE,
        recipe=recipe,
        settings=settings,
        refusals=refusals,
        preflight=preflight,
        unshapable=partial(beyond_tc_intf, title=TITLE),
        tunnels_fix="load ip_gre on the workers (`modprobe ip_gre`), and let GRE through between them",
    )
