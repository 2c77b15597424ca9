"""What a user installs: the Python client and the `meta-agents` command line, over the HTTP API alone.

Belongs here: requests and their typed results, following an execution live, showing it in a terminal.
Does not belong here: anything of the app or the local host; nothing here imports them, and they import nothing here.
"""

from meta_agents.asynchronous.client import AsyncClient
from meta_agents.errors import ApiError, MetaAgentsError, Unreachable
from meta_agents.following import Item, Reconnect
from meta_agents.results import Approval, Delta, Event, Execution
from meta_agents.synchronous.client import Client

__all__ = [
    "ApiError",
    "Approval",
    "AsyncClient",
    "Client",
    "Delta",
    "Event",
    "Execution",
    "Item",
    "MetaAgentsError",
    "Reconnect",
    "Unreachable",
]
