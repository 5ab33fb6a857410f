"""Runs a program for each connection to a port of 127.0.0.1, which is its standard input and output.

usage: inetd.py PORT PROGRAM [ARGUMENT...]
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys


def main() -> None:
    port, *command = sys.argv[1:]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=128)
    while True:
        peer, _ = listener.accept()
        with peer:
            subprocess.Popen(command, stdin=peer, stdout=peer)


if __name__ == "__main__":
    main()
