"""What is measured of the machine, and the figures of a run."""
