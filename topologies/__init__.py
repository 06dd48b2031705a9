"""Describe a network: YAML file -> Spec -> Topology. Pure: no Linux, no engine, no root."""
