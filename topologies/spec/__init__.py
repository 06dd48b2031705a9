"""The document, validated: `load(path)` gives a `Document`; every error says file:line:column."""
