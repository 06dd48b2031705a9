"""Start, find again and stop controllers of OpenFlow switches, and relay those that run elsewhere."""
