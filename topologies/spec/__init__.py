"""Validation of topology files: `load(path)` returns a `Document`; every error says file:line:column."""
