"""Stand-in: Distrinet imports it, and needs nothing of it here."""
