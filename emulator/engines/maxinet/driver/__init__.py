"""MaxiNet's driver: it runs under the Python of MaxiNet, and uses MaxiNet's and Mininet's public API.

It imports `serving` and nothing else of ours. MaxiNet itself is imported when a network is opened, because it
reads its configuration from the current folder at that time.
"""
