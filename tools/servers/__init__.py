"""Private mail servers for trying and testing postrider.

Everything here lives under build/ (or a fresh directory where build/ cannot be reached by
unprivileged users), listens on loopback at free ports, runs in the foreground as a child and is
ended by its process id. Nothing that is installed or running on the machine is touched.
"""
