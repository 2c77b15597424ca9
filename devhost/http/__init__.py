"""HTTP functions: routes, the classic and the streaming request, and the host's own small admin face.

Belongs here: everything between an ASGI request and a function's response.
Does not belong here: the durable API and the SignalR service, which are mounted beside.
"""
