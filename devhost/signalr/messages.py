"""What an app sends to the service: messages to clients and changes of groups, as the output binding writes them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.alias_generators import to_camel


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class Message(_Model):
    """A call of `target` on clients. The first scope given counts: connection, then user, then group, else everyone."""

    target: str
    arguments: list[object]
    connection_id: str | None = None
    user_id: str | None = None
    group_name: str | None = None


class GroupAction(_Model):
    """Adds a connection or a user to a group, or removes it; `removeAll` takes it out of every group of the hub."""

    action: Literal["add", "remove", "removeAll"]
    group_name: str | None = None
    connection_id: str | None = None
    user_id: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> GroupAction:
        if not (self.connection_id or self.user_id):
            raise ValueError("a group action needs connectionId or userId")
        if self.action != "removeAll" and not self.group_name:
            raise ValueError(f"the group action '{self.action}' needs groupName")
        return self


class Payload(_Model):
    """The body of a REST call that sends."""

    target: str
    arguments: list[object] = Field(default_factory=list)


_ITEMS: TypeAdapter[list[Message | GroupAction]] = TypeAdapter(list[Message | GroupAction])
_ITEM: TypeAdapter[Message | GroupAction] = TypeAdapter(Message | GroupAction)


def parse_output(content: str | bytes) -> list[Message | GroupAction]:
    """What the `signalR` output binding was given: one object or an array. Raises `ValueError` with the reason."""
    try:
        if content.strip()[:1] in ("[", b"["):
            return _ITEMS.validate_json(content)
        return [_ITEM.validate_json(content)]
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ValueError(f"the signalR output is neither a message nor a group action ({reasons})") from None
