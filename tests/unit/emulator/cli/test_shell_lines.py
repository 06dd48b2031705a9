"""Lines of `emulator shell`: names become addresses, and nothing else of a line changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulator.cli.shell.lines import with_addresses

_TEXT = st.text(alphabet=st.sampled_from("""h2 x"'\\|;&<>$()#`\t*{}~!"""), max_size=20) | st.text(max_size=20)


@given(_TEXT)
def test_a_line_without_names_stays(line: str) -> None:
    assert with_addresses(line, lambda word: word) == line


@given(_TEXT)
def test_only_names_change(line: str) -> None:
    assert with_addresses(line, lambda word: "h3" if word == "h2" else word).replace("h3", "h2") == line


def test_names_that_stand_alone_become_addresses() -> None:
    def replaced(line: str) -> str:
        return with_addresses(line, lambda word: "10.0.0.2" if word == "h2" else word)

    assert replaced("ping h2|grep h2;x h2&") == "ping 10.0.0.2|grep 10.0.0.2;x 10.0.0.2&"
    assert replaced("""echo 'h2' "h2" h2"x" h2/ > h2 # h2""") == """echo 'h2' "h2" h2"x" h2/ > h2 # h2"""
    assert replaced("""echo "h2 h2""") == """echo "10.0.0.2 10.0.0.2"""  # the shell refuses it
