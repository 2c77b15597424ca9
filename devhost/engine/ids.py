"""Which instance ids are allowed."""

from __future__ import annotations

_MAX_LENGTH = 256
_FORBIDDEN = frozenset("/\\?#")


def id_problem(instance_id: str) -> str | None:
    """What is wrong with an instance id, as a sentence, or None. The rules are those of the durable extension."""
    if not instance_id:
        return "an instance id must not be empty"
    if len(instance_id) > _MAX_LENGTH:
        return f"an instance id must not be longer than {_MAX_LENGTH} characters"
    if instance_id.startswith("@"):
        return "an instance id must not start with '@': those are entities"
    if any(character in _FORBIDDEN or not character.isprintable() for character in instance_id):
        return "an instance id must not contain '/', '\\', '?', '#' or control characters"
    return None
