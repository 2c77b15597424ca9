"""How fast, how small and how hard to kill: the same workloads through the real app and through its peers.

Belongs here: workloads, the programs that run them, and what measures and reports. Nothing outside imports it.
"""
