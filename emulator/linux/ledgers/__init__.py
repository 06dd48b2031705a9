"""Ledgers: settings of the whole machine, with the networks that need them."""
