"""Stand-in for a package of MaxiNet, our own code."""
