"""Lay the keys of a rule over a profile: keys that the rule doesn't give stay as they were."""

from __future__ import annotations

from dataclasses import replace

from topologies.errors import Loc
from topologies.profiles import LinkProfile, NodeProfile, Shape
from topologies.spec.document import LinkKeys, NodeKeys, ShapeKeys


def merged_shape(keys: ShapeKeys | None, old: Shape) -> Shape:
    """Return `old` with the keys given in `keys` laid over it."""
    if keys is None:
        return old
    given = {k: getattr(keys, k) for k in ShapeKeys.model_fields if k in keys.model_fields_set}
    return replace(old, **given) if given else old


def merged_link(keys: LinkKeys, old: LinkProfile, *, reverse: bool) -> LinkProfile:
    """Return `old` under the rule `keys`; `reverse` when the link runs against the rule's order."""
    first, second = (keys.backward, keys.forward) if reverse else (keys.forward, keys.backward)
    return LinkProfile(
        forward=merged_shape(first, merged_shape(keys, old.forward)),
        backward=merged_shape(second, merged_shape(keys, old.backward)),
        mtu=keys.mtu if keys.mtu is not None else old.mtu,
    )


def merged_node(keys: NodeKeys, old: NodeProfile | None) -> NodeProfile:
    """Return `old` (or the default) with the keys given in `keys` laid over it."""
    old = old or NodeProfile()
    given = {k: v for k in NodeKeys.model_fields if (v := getattr(keys, k)) is not None}
    if keys.openflow is not None:
        given["openflow"] = replace(old.openflow, **keys.openflow.given())
    return replace(old, **given)


def undelayed(keys: LinkKeys, profile: LinkProfile, *, reverse: bool = False) -> list[tuple[Loc, str]]:
    """Return what is wrong with `profile`, the outcome of `keys`: (path in the keys, words).

    netem moves packets only within their delay: without one, jitter and reorder would do nothing.
    """
    first, second = (keys.backward, keys.forward) if reverse else (keys.forward, keys.backward)
    names = ("backward", "forward") if reverse else ("forward", "backward")
    out: dict[Loc, str] = {}
    for shape, part, side in ((profile.forward, first, names[0]), (profile.backward, second, names[1])):
        for key in ("jitter", "reorder"):
            if getattr(shape, key) and not shape.delay:
                below = part is not None and key in part.model_fields_set
                out[(side, key) if below else (key,)] = "acts on delayed packets only; give `delay` too"
    return list(out.items())
