"""Reports of a run: JSON, events, CSV, JUnit, and one page that works offline."""

from stress.report.files import require_writable, write

__all__ = ["require_writable", "write"]
