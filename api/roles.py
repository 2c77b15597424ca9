"""Who may do what. Whoever belongs to a tenant may read what it has; this says who may change it.

An admin may do everything, and is the only one who may do what is not named here.
"""

from __future__ import annotations

ADMIN, AUTHOR, OPERATOR = "admin", "author", "operator"
Roles = tuple[str, ...]
EVERYONE: None = None

_READING = ("GET", "HEAD")
_OF_RESOURCE: dict[str, Roles] = {
    **dict.fromkeys(("agents", "datasets", "prompts", "tools", "workflows", "library", "evaluations"), (AUTHOR,)),
    **dict.fromkeys(("executions", "schedules"), (AUTHOR, OPERATOR)),
}
_OF_ROUTE: dict[str, Roles | None] = {
    "POST /api/workflows/validate": EVERYONE,
    "POST /api/validate": EVERYONE,
    "POST /api/negotiate": EVERYONE,
    "POST /api/library/{collection}/search": EVERYONE,
    # Each question has roles of its own.
    "POST /api/approvals/{id}": EVERYONE,
    # The tool's approval says by whom, if it has one.
    "POST /api/tools/{name}/call": EVERYONE,
    # A bundle brings definitions with it.
    "POST /api/executions/import": (AUTHOR,),
    "POST /api/executions/{id}/budget": (OPERATOR,),
    "POST /api/retention/purge": (OPERATOR,),
    "GET /api/mcp/{server}/tools": (AUTHOR, OPERATOR),
}


def roles_for(method: str, path: str) -> Roles | None:
    """The roles of which one is needed, beside admin; None: whoever is of the tenant. `path` as the route has it."""
    if (named := f"{method} {path}") in _OF_ROUTE:
        return _OF_ROUTE[named]
    return EVERYONE if method in _READING else _OF_RESOURCE.get(path.split("/")[2], ())
