"""The durable client: the JSON its binding carries and the HTTP API it calls.

Belongs here: URLs, status codes and JSON of the durable extension's API. Does not belong here: the engine behind it.
"""
