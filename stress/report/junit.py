"""JUnit XML: one test case per limit, so that a CI job shows the limits that failed.

A case has the limit's text as its name in every run, so that a CI job can show its history.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from stress.limits import Verdict
from stress.records import RunResult
from stress.report.summary import verdict_of


def junit(result: RunResult, verdicts: Sequence[Verdict]) -> str:
    """Return the XML. A run without limits, or one that ended early, has a test case for its completion."""
    ended = result.aborted or result.interrupted
    leaked = result.leaks.leaked
    end = max((phase.end for phase in result.phases), default=0.0)
    broken = sum(not verdict.held for verdict in verdicts)
    name = str(result.scenario.get("name", "scenario"))
    suite = ET.Element(
        "testsuite", name=f"stress.{name}",
        tests=str(len(verdicts) + bool(ended or not verdicts) + bool(leaked)),
        failures=str(broken + bool(leaked)), errors=str(int(bool(ended))), time=f"{end:.3f}",
    )  # fmt: skip
    for verdict in verdicts:
        found = verdict_of(verdict)
        case = ET.SubElement(suite, "testcase", classname=f"stress.{name}", name=_printable(found["text"]))
        if verdict.held:
            ET.SubElement(case, "system-out").text = _printable(found["words"])
        else:
            ET.SubElement(case, "failure", message=_printable(str(verdict))).text = _printable(
                "\n".join(result.warnings) or "the limit failed"
            )
    if ended or not verdicts:
        case = ET.SubElement(suite, "testcase", classname=f"stress.{name}", name="ran to its end")
        if ended:
            ET.SubElement(case, "error", message=_printable(ended))
    if leaked:  # exit code 1, even if every limit passed
        case = ET.SubElement(suite, "testcase", classname=f"stress.{name}", name="left all as it was")
        ET.SubElement(case, "failure", message=_printable(leaked[0])).text = _printable("\n".join(leaked))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """Return `text` without the characters that XML 1.0 can't represent."""
    return "".join(
        c if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" else "?" for c in text
    )
