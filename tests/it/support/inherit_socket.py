"""Holds a listening socket, as a service manager does, and runs a command on it for each line of standard input.

Arguments: port, program, its arguments. Prints the process id at each start and "ended" at each end.
"""

import os
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))

for _ in sys.stdin:
    pid = os.fork()
    if pid == 0:
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
        os.execv(sys.argv[2], sys.argv[2:])
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("ended", flush=True)
