"""Apply the keys of a rule to a profile; keys that the rule leaves out keep their values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from topologies.errors import Loc
from topologies.outside import OUTSIDE_KINDS, Outside
from topologies.profiles import LinkProfile, NodeProfile, Shape
from topologies.spec.outside import OutsideKeys, interfaces_of
from topologies.spec.rules import LinkKeys, NodeKeys, ShapeKeys
from topologies.spec.services import SetupKeys, services_of
from topologies.spec.vlans import vlans_of

_APART = SetupKeys.model_fields.keys() | OutsideKeys.model_fields.keys()
_OF_PROFILE = tuple(key for key in NodeKeys.model_fields if key not in _APART)


def merged_shape(keys: ShapeKeys | None, old: Shape) -> Shape:
    """Return `old` with the keys that are set in `keys` replaced."""
    if keys is None:
        return old
    stated = {k: getattr(keys, k) for k in ShapeKeys.model_fields if k in keys.model_fields_set}
    return replace(old, **stated) if stated else old


def merged_link(keys: LinkKeys, old: LinkProfile, *, reverse: bool) -> LinkProfile:
    """Return `old` under the rule `keys`; `reverse` for a link in the opposite order of the rule's ends."""
    first, second = (keys.backward, keys.forward) if reverse else (keys.forward, keys.backward)
    return LinkProfile(
        forward=merged_shape(first, merged_shape(keys, old.forward)),
        backward=merged_shape(second, merged_shape(keys, old.backward)),
        mtu=keys.mtu if keys.mtu is not None else old.mtu,
    )


def merged_node(keys: NodeKeys, old: NodeProfile | None) -> NodeProfile:
    """Return `old` (or the default) with the keys that are set in `keys` replaced."""
    old = old or NodeProfile()
    stated = {k: v for k in _OF_PROFILE if (v := getattr(keys, k)) is not None}
    if keys.openflow is not None:
        stated["openflow"] = replace(old.openflow, **keys.openflow.set_keys())
    if any(getattr(keys, key) is not None for key in SetupKeys.model_fields):
        own = {key: getattr(keys, key) for key in SetupKeys.model_fields if key not in {"run", "vlans"}}
        objects = {"run": services_of(keys.run or {}), "vlans": vlans_of(keys.vlans or {})}
        stated["setup"] = old.setup.with_keys(**objects, **own)  # type: ignore[arg-type]
    stated["outside"] = _merged_outside(keys, old.outside)
    return replace(old, **stated)


def _merged_outside(keys: NodeKeys, old: Outside) -> Outside:
    """Return `old` under `keys`; a `kind` that isn't one with a way to the machine takes that away."""
    stated: dict[str, Any] = {}
    if (kind := getattr(keys, "kind", None)) is not None:
        stated["kind"] = kind if kind in OUTSIDE_KINDS else ""
    if keys.uplink is not None:
        stated["uplink"] = keys.uplink
    if keys.machine_interfaces is not None:
        stated["interfaces"] = interfaces_of(keys.machine_interfaces)
    return replace(old, **stated) if stated else old


def undelayed(keys: LinkKeys, profile: LinkProfile, *, reverse: bool = False) -> list[tuple[Loc, str]]:
    """Return the errors of `profile`, the result of `keys`: (path in the keys, message).

    netem varies packets only within their delay: without one, jitter and reorder would have no effect.
    """
    first, second = (keys.backward, keys.forward) if reverse else (keys.forward, keys.backward)
    names = ("backward", "forward") if reverse else ("forward", "backward")
    out: dict[Loc, str] = {}
    for shape, part, side in ((profile.forward, first, names[0]), (profile.backward, second, names[1])):
        for key in ("jitter", "reorder"):
            if getattr(shape, key) and not shape.delay:
                below = part is not None and key in part.model_fields_set
                out[(side, key) if below else (key,)] = "acts on delayed packets only; set `delay` too"
    return list(out.items())
