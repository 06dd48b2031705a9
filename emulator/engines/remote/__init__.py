"""Shared parts of engines whose nodes another program creates on other machines, the workers.

Everything goes through the program's driver (`emulator.engines.driven`): commands in nodes too. This machine
holds the run record, and starts and ends the driver.
"""
