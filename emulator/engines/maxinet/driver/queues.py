"""Read back the queues of all interfaces: Mininet only logs, on the worker, that it could not make one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence

from serving.server import StepError

from . import traffic_control
from .fleet import words
from .inventory import Inventory

_SECONDS = 60.0
_NEXT = "=next="
_SHOW = f'for d; do tc qdisc show dev "$d"; tc class show dev "$d"; echo {_NEXT}; done'


def require_shapes(
    inventory: Inventory, names: Iterable[str], shape: Callable[[Sequence[str]], None]
) -> None:
    """Raise a StepError if an interface lacks the queues or the rate of its shape, also after `shape(names)`.

    Both ends of a tunnel count: each worker makes its own.
    """
    wrong = _wrong(inventory, names)
    if not wrong:
        return
    shape(list(wrong))
    wrong = _wrong(inventory, wrong)
    if wrong:
        name, said = next(iter(wrong.items()))
        node = inventory.ends[name]["node"]
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise StepError(
            f"{name} in {node} {said}{more}, although MaxiNet reported success: the kernel of worker "
            f"{inventory.worker_of(node)} may lack it"
        )


def _wrong(inventory: Inventory, names: Iterable[str]) -> dict[str, str]:
    """Return what is wrong with the queues of interfaces: name -> words."""
    of_node: dict[str, list[str]] = {}
    for name in names:
        if inventory.ends[name]["shape"]:
            of_node.setdefault(inventory.ends[name]["node"], []).append(name)
    commands = [
        inventory.in_node(node, ["sh", "-c", _SHOW, "sh", *some], _SECONDS) for node, some in of_node.items()
    ]
    out = {}
    results = inventory.fleet.commands(commands)
    for (node, some), result in zip(of_node.items(), results):  # noqa: B905 -- Python 3.9 has no strict
        parts = base64.b64decode(result[1]).decode(errors="replace").split(_NEXT)
        if len(parts) <= len(some):
            raise StepError(f"tc in {node}: {words(result)}")
        for name, part in zip(some, parts):  # noqa: B905 -- as above
            if said := traffic_control.difference(inventory.ends[name]["shape"], part):
                out[name] = said
    return out
