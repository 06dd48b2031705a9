from __future__ import annotations

from pathlib import Path

import pytest
from support.topologies import make

from emulator.engines import link_changes
from emulator.errors import BrokenError, RefusedError, UsageError
from emulator.link_states import States
from emulator.network import LinkState
from emulator.state import NetworkState, Record, link_states
from topologies.profiles import Shape

DOWN = LinkState(up=False)


@pytest.fixture
def state(tmp_path: Path) -> NetworkState:
    found = NetworkState(tmp_path, "dc")
    found.make()
    found.write(Record("dc", "netns", phase="up"))
    return found


def test_what_cannot_be_is_refused_before_anything_is_written() -> None:
    topology = make("single", hosts=2)
    with pytest.raises(UsageError, match="there is no link 2; they are numbered from 0 to 1"):
        link_changes.refuse(topology, {2: DOWN}, lambda _: [])
    shaped = {0: LinkState(forward=Shape(delay=1.0))}
    with pytest.raises(RefusedError, match="the link can't be shaped like this: 1 of them"):
        link_changes.refuse(topology, shaped, lambda shapes: [f"{len(list(shapes))} of them"])
    link_changes.refuse(topology, shaped, lambda _: [])


def test_it_is_in_the_record_before_it_is_done_and_done_is_noted(state: NetworkState) -> None:
    seen: list[tuple[States, States, bool]] = []

    def carry_out(before: States, after: States) -> None:
        written = state.read()
        seen.append((before, after, link_states(written) == after and "links_before" in written.options))

    assert link_changes.change(state, state.read(), {1: DOWN}, carry_out)
    assert seen == [({}, {1: DOWN}, True)]
    assert "links_before" not in state.read().options
    assert not link_changes.change(state, state.read(), {1: DOWN}, carry_out)
    assert len(seen) == 1


def test_what_a_killed_command_began_is_finished_first(state: NetworkState) -> None:
    def broken(before: States, after: States) -> None:
        raise BrokenError("killed")

    with pytest.raises(BrokenError):
        link_changes.change(state, state.read(), {0: DOWN}, broken)
    seen: list[tuple[States, States]] = []
    link_changes.change(state, state.read(), {1: DOWN}, lambda before, after: seen.append((before, after)))
    assert seen == [({}, {0: DOWN}), ({0: DOWN}, {0: DOWN, 1: DOWN})]
    assert link_states(state.read()) == {0: DOWN, 1: DOWN}
