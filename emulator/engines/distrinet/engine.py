"""The engine distrinet: what Distrinet needs beside the shared parts of engines on workers."""

from __future__ import annotations

from functools import partial

from emulator.engines.distrinet.launch import TITLE, recipe
from emulator.engines.distrinet.preflight import preflight
from emulator.engines.distrinet.refusals import refusals
from emulator.engines.distrinet.settings import settings
from emulator.engines.driven.shaping import beyond_tc_intf
from emulator.engines.remote.engine import RemoteEngine
from emulator.engines.remote.program import RemoteProgram


class DistrinetEngine(RemoteEngine):
    """Deploys plans to Distrinet."""

    name = "distrinet"
    program = RemoteProgram(
        title=TITLE,
        recipe=recipe,
        settings=settings,
        refusals=refusals,
        preflight=preflight,
        unshapable=partial(beyond_tc_intf, title=TITLE),
        tunnels_fix="open UDP port 4789 (VXLAN) between the workers",
    )
