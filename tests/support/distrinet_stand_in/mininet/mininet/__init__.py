"""A stand-in for the package of Distrinet: our own code with its interface. See ../../README.md."""
