"""HTTP: one FastAPI router per resource, and the bridge that lets HTTP triggers carry them.

Belongs here: reading requests, checking them, wording answers. The tenant of every access is the principal's.
Does not belong here: what happens inside an execution, and how anything is stored.
"""

VERSION = "0.4.0"
"""Version of the app, as pyproject.toml has it."""
