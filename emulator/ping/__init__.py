"""A ping of our own, for machines that have none: `emulator exec h1 -- ping h2` works everywhere.

A program that runs inside a node, in Python's own library: `emulator.linux.own_ping` says how it is started.
Options, lines and exit codes are those of iputils' ping (20221126), as far as networks are tried with it.
"""
