"""Azure SignalR Service in serverless mode: its bindings, and an emulation of it that the stock clients accept.

Belongs here: tokens, connections, groups, the client and REST protocols. Does not belong here: who may join what.
"""
