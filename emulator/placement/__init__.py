"""Placement of nodes on workers: few links cut, no worker overfull. Pure and deterministic."""
