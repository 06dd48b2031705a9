"""What a run leaves for people and programs: JSON, events, CSV, JUnit, and one page that opens offline."""

from stress.report.files import require_writable, write

__all__ = ["require_writable", "write"]
