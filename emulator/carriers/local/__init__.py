"""Local workers: a cluster on this computer, whose machines are network namespaces."""
