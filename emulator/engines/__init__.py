"""Engines: each turns a plan into a running network."""
