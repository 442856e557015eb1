"""The Python side of HKS Functions: what runs inside the sandbox around a user's handler.

All of it is imported while the component is built and becomes part of the snapshot that every execution starts from.
None of it is a wall: user code shares this interpreter and can change anything here. What must hold against hostile
code (memory, time, size of output, network) is held by the host.
"""
