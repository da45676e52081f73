"""Connections send small pieces at once.

Else the network gathers them (Nagle's algorithm): the last ones wait for the acknowledgement of those before, up to 40
ms. Measured 2026-11 on two cores: one visitor's move p50 44 ms before, 25 to 30 after (profiles of benchmarks/load.py).
"""

import os
import socket
from contextlib import suppress

import psutil


def send_at_once() -> None:
    """Have this process's connections, and those that will come to it, send small pieces without waiting.

    A connection takes this over from the socket that listened for it. Where a system does not tell of them, nothing
    changes.
    """
    with suppress(psutil.Error, OSError):
        for connection in psutil.Process().net_connections("tcp"):
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fd)) as same:  # it may be closed by now
                same.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
