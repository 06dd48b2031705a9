"""Carriers take calls to the workers of a cluster and bring the answers back; not knowing of networks."""
