"""Sampled metrics (`host`, `ports`, `processes`, `sampler`), and the figures of a run.

`figure_table` lists all figures, `figure_units` the sampled metrics and all units, `figures` computes them.
"""
