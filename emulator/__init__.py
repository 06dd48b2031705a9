"""Turn a `Topology` into a running network: plan, engines, and the command line."""
