"""The worker's side of a cluster: functions that a carrier calls on each worker, on top of the engine netns.

Each is called as `function(call, arguments, data)` (`emulator.carriers.protocol`) and returns an `Answer`.
What lasts is in the worker's kernel and its own run records; this process may end at any time.
"""
