"""Services of nodes (`run:`): one supervisor a network starts, watches, restarts and ends them."""
