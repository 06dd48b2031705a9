"""The dry-run engine: a network in memory that answers as the graph says."""
