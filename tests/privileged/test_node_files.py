"""Files and private directories of nodes: seen by their commands alone, repaired, changed, gone with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import emulator
from emulator.errors import RefusedError, UnableError

pytestmark = [pytest.mark.privileged]


def file_of(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"name": "files", "topology": {"generator": "single", "hosts": 2}, "nodes": list(rules)}


def test_are_seen_by_their_node_alone_repaired_changed_and_gone(tmp_path: Path, state_dir: Path) -> None:
    shown, held = tmp_path / "shown", tmp_path / "held"
    shown.write_text("the machine's\n")
    held.mkdir(mode=0o1777)
    conf = f"{held}/app/conf"
    both = {"match": {"kind": "host"}, "private": [str(held)], "files": {str(shown): "one\n", conf: "x\n"}}
    own = {"match": {"name": "h2"}, "files": {str(shown): "two\n"}}
    with emulator.up(file_of(both, own)) as net:
        for node, words in (("h1", "one\n"), ("h2", "two\n")):
            assert net[node].run(["cat", str(shown), conf]).output == f"{words}x\n"
            net[node].run(["sh", "-c", f"echo {node} > {held}/name"])
        assert [net[node].run(["cat", f"{held}/name"]).output for node in ("h1", "h2")] == ["h1\n", "h2\n"]
        assert not list(held.iterdir())
        net["h1"].run(["sh", "-c", f"echo more >> {shown}; rm {conf}"])
        assert [(one.object, one.found) for one in net.deviations()] == [
            (f"file {conf}", "missing"), (f"file {shown}", "other content"),
        ]  # fmt: skip
        net.repair()
        assert net["h1"].run(["cat", str(shown), conf, f"{held}/name"]).output == "one\nx\nh1\n"
        after = emulator.up(file_of(both | {"files": {str(shown): "three\n"}}, own | {"private": []}))
        assert after["h1"].run(["sh", "-c", f"cat {shown}; ls {held} {held}/app"]).output.split() == [
            "three", f"{held}:", "app", "name", f"{held}/app:",
        ]  # fmt: skip
        assert after["h2"].run(["ls", str(held)]).output == "", "the machine's own again"
        assert not after.deviations()
    assert shown.read_text() == "the machine's\n"
    assert not (state_dir / "files").exists()


def test_a_directory_above_the_networks_own_may_be_private(state_dir: Path) -> None:
    above = str(state_dir.parents[1])
    assert above == "/run", "the default is below it, too"
    rule = {"match": {"name": "h1"}, "private": [above, "/var/log"], "files": {f"{above}/name": "h1\n"}}
    with emulator.up(file_of(rule)) as net:
        found = net["h1"].run(["sh", "-c", f"ls -A {above} /var/log; cat {above}/name; grep h2 /etc/hosts"])
        assert (found.errors, found.output.split()[:4]) == ("", ["/run:", "name", "/var/log:", "h1"])
        assert net["h2"].address in found.output


def test_a_link_in_a_node_leads_no_write_out_of_it(tmp_path: Path, state_dir: Path) -> None:
    del state_dir
    (held := tmp_path / "held").mkdir()
    (out := tmp_path / "out").mkdir()
    conf = f"{held}/app/conf"
    rule = {"match": {"name": "h1"}, "private": str(held), "files": {conf: "x\n"}}
    with emulator.up(file_of(rule)) as net:
        net["h1"].run(["sh", "-c", f"rm -r {held}/app; ln -s {out} {held}/app"])
        with pytest.raises(UnableError, match="behind a link that a program in h1 made"):
            net.repair()
    assert not list(out.iterdir())


def test_what_has_no_place_on_this_machine_is_refused(tmp_path: Path, state_dir: Path) -> None:
    nowhere = f"{tmp_path}/nowhere"
    with pytest.raises(RefusedError) as caught:
        emulator.up(
            file_of({"match": {"name": "h1"}, "private": nowhere, "files": {f"{tmp_path}/none": "x"}})
        )
    assert f"private {nowhere}: this machine has no such directory" in str(caught.value)
    assert f"file {tmp_path}/none: this machine has no such file" in str(caught.value)
    assert not state_dir.exists()
