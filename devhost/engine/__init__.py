"""The durable engine: instances, histories, timers, entities and their state file.

Here belongs what decides when which user function is called and what is remembered of it.
Not here: HTTP, loading the app, triggers. The way in is `devhost.engine.engine.SqliteEngine`.
"""
