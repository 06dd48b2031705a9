"""Import and export of graphs in other programs' formats, one format per file."""
