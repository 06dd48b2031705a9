"""Start and stop the scheduler and the workers of a cluster over SSH, by paramiko."""
