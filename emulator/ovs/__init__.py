"""Open vSwitch: a database server and a switch daemon of each network's own."""
