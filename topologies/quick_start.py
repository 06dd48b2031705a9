"""Networks from one line, in the form of Mininet's `--topo`: `tree,2,3`, `tree,depth=2,fanout=3`.

The first word is a generator, the others are its keys; values without a key go by position. Mininet's own
names and keys (mininet.org, `mn --help`) mean here what they mean there: `minimal`, `reversed`,
`single,k=3`, `linear,k=4,n=2`, `torus,x=3,y=3`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_origin

from topologies.build import build
from topologies.errors import ParameterError
from topologies.families import GENERATORS, generator_module
from topologies.given import Description, PythonSource
from topologies.source.scalars import resolve
from topologies.spec.load import document_of
from topologies.suggestions import nearest

_KEYS: Mapping[str, Mapping[str, str]] = {
    "single": {"k": "hosts"},
    "linear": {"n": "hosts_per_switch"},
    "torus": {"n": "hosts_per_switch"},
}
"""Generator -> Mininet's name of a key -> ours."""

_ORDER: Mapping[str, tuple[str, ...]] = {"torus": ("x", "y", "hosts_per_switch"), "reversed": ("k",)}
"""Keys of values by position, where they aren't the generator's own keys in their order."""

_OF_MININET = ("minimal", "reversed")
"""Names beside those of generators."""


def described_quickly(text: str) -> Description:
    """Return the description of the network that `text` asks for; InputError if there is none."""
    source = PythonSource(f"--topo {text}", Path.cwd(), "", None)
    try:
        source = replace(source, data=quick_start(text))
    except ParameterError as error:
        raise source.error(error) from error
    document = document_of(source)
    return Description(document, build(document))


def quick_start(text: str) -> dict[str, Any]:
    """Return `tree,2,3` as the data of a topology file; ParameterError if it can't be read."""
    name, *words = (word.strip() for word in text.split(","))
    if name not in GENERATORS and name not in _OF_MININET:
        known = (*_OF_MININET, *GENERATORS)
        raise ParameterError((), f"`{name}` is not a generator; {nearest(name, known, 30)}")
    return {"name": name, "topology": _topology(name, dict(_values(name, words)))}


def _topology(name: str, values: dict[str, Any]) -> dict[str, Any]:
    if name == "minimal":
        return {"generator": "single", "hosts": 2, **values}
    if name == "reversed":
        return _reversed(values)
    values = {_KEYS.get(name, {}).get(key, key): value for key, value in values.items()}
    if name == "torus" and {"x", "y"} & values.keys():
        values = {"dims": [values.pop("x", 3), values.pop("y", 3)], **values}
    return {"generator": name, **values}


def _reversed(values: dict[str, Any]) -> dict[str, Any]:
    """Return Mininet's SingleSwitchReversedTopo: the last host is at the switch's port 1."""
    count = values.pop("k", 2)
    if values:
        raise ParameterError((next(iter(values)),), "unknown key; `reversed` takes `k`, the number of hosts")
    if not isinstance(count, int) or not 1 <= count <= 60_000:
        raise ParameterError(("k",), f"must be a number of hosts from 1 to 60,000, not `{count}`")
    hosts = [f"h{number}" for number in range(1, count + 1)]
    nodes = {"s1": {"kind": "switch"}, **{host: {"kind": "host"} for host in hosts}}
    return {"nodes": nodes, "links": [[host, "s1"] for host in reversed(hosts)]}


def _values(name: str, words: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield the key and value of each word after the generator's name."""
    order = _order(name)
    given: set[str] = set()
    named = False
    for word in words:
        key, sign, value = word.partition("=")
        named = named or bool(sign)
        if not sign:
            if named or not word:
                raise ParameterError((), f"`{word}` has no key; values by position come before `key=value`")
            if len(given) == len(order):
                raise ParameterError((), f"`{word}` is one value too many; by position go {_listed(order)}")
            key, value = order[len(given)], word
        if key in given:
            raise ParameterError((key,), "is given twice; keep one value")
        given.add(key)
        yield key, _value(name, key, value)


def _order(name: str) -> list[str]:
    """Return the keys of values by position: the family's own before those it shares with others."""
    if name in _ORDER:
        return list(_ORDER[name])
    if name == "minimal":
        return []
    model = generator_module(name).Params
    own = [key for key in model.model_fields if key in model.__annotations__]
    keys = [*own, *(key for key in model.model_fields if key not in own)]
    return [key for key in keys if key != "generator"]


def _value(name: str, key: str, text: str) -> Any:
    """Return the value of a key; a list's items are joined by `x`: `dims=3x4x5`."""
    if name in GENERATORS and key in (fields := generator_module(name).Params.model_fields):
        kind = fields[key].annotation
        if list in (kind, get_origin(kind), *(get_origin(part) for part in get_args(kind))):
            return [resolve(item) for item in text.split("x")]
    return resolve(text)


def _listed(order: list[str]) -> str:
    return ", ".join(f"`{key}`" for key in order) or "none"
