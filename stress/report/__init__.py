"""What a run leaves for people and programs: JSON, events, CSV, JUnit, and one page that opens offline."""

from stress.report.files import write

__all__ = ["write"]
