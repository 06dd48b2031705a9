"""The carrier over Dask Distributed. Only this package imports `dask` and `distributed`.

Dask connects, authenticates, finds workers and notices lost ones. Its tasks aren't used: a task may run twice
or wait forever when its worker dies. Calls go by Dask's remote `run`, which runs a coroutine once, on one
worker, and fails when the connection does.
"""
