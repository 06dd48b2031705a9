"""Turn a `Topology` into a running network: plan, engines, and the command line."""

__version__ = "0.1.0"
