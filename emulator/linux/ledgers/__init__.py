"""Ledgers: machine-wide settings and the networks that need them."""
