"""Run a command on a worker, in the place of the real MaxiNet's SSH."""

from __future__ import annotations

import sys

import Pyro4

name, host, port, password, command = sys.argv[1:]
server = Pyro4.Proxy(Pyro4.URI(name, host, int(port)))
server._pyroHmacKey = password
said = server.check_output(f"( {command} ); r=$?; echo; echo =$r")
text, _, code = said.rpartition("=")
sys.stdout.write(text.rstrip("\n") + "\n")
sys.exit(int(code))
