"""The `meta-agents` command line.

Belongs here: reading arguments and files, printing, exit codes.
Does not belong here: anything a Python caller would want too; that is the client's.
"""

from meta_agents.cli.app import main

__all__ = ["main"]
