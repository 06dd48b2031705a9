"""Topology families, one a file; `topologies.families` lists them."""
