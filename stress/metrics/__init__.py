"""Metrics and figures: what is sampled (`host`, `ports`, `processes`, `sampler`), and what a run amounts to.

`figure_table` lists all figures, `figure_units` the sampled metrics and all units, `figures` computes them.
"""
