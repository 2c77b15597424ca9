"""host.json, local.settings.json and the environment the app finds itself in."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from devhost.errors import StartupError
from devhost.timers.schedule import parse_timespan

_DEFAULT_TIMEOUT = timedelta(minutes=30)
"""Azure's on every plan but Consumption on Windows, and that of Core Tools."""
_SHORTEST_TIMEOUT = timedelta(seconds=1)


class _Json(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


class HttpOptions(_Json):
    """`extensions.http` of host.json."""

    route_prefix: str = "api"

    @field_validator("route_prefix")
    @classmethod
    def _bare(cls, prefix: str) -> str:
        return prefix.strip("/")


class DurableOptions(_Json):
    """`extensions.durableTask` of host.json."""

    model_config = ConfigDict(extra="allow")  # the engine reads its own options from the rest

    hub_name: str = "DevHub"


def _time(value: object) -> timedelta:
    length = parse_timespan(value) if isinstance(value, str) else None
    if length is None:
        raise ValueError(f"'{value}' is no time of the form hh:mm:ss")
    return length


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_Time = Annotated[timedelta, BeforeValidator(_time)]


class QueueOptions(_Json):
    """`extensions.queues` of host.json, with Azure's defaults for a developer's machine."""

    batch_size: int = Field(default=16, ge=1, le=32)
    new_batch_threshold: int | None = Field(default=None, ge=0)
    max_dequeue_count: int = Field(default=5, ge=1)
    visibility_timeout: Annotated[_Time, Field(ge=timedelta(), le=timedelta(days=7))] = timedelta()
    max_polling_interval: Annotated[_Time, Field(ge=timedelta(milliseconds=100))] = timedelta(seconds=2)
    message_encoding: Annotated[Literal["base64", "none"], BeforeValidator(_lower)] = "base64"

    @property
    def threshold(self) -> int:
        """How few messages must be left in work before more are taken."""
        return self.batch_size // 2 if self.new_batch_threshold is None else self.new_batch_threshold


class Extensions(_Json):
    http: HttpOptions = HttpOptions()
    queues: QueueOptions = QueueOptions()
    durable_task: DurableOptions = DurableOptions()


class HostJson(_Json):
    """The part of host.json that this host acts on; the rest is Azure's business and is ignored."""

    version: Literal["2.0"]
    extensions: Extensions = Extensions()
    functions: tuple[str, ...] | None = None
    function_timeout: timedelta | None = _DEFAULT_TIMEOUT
    """None is for ever: host.json says that by -1."""

    @field_validator("function_timeout", mode="before")
    @classmethod
    def _limit(cls, value: object) -> timedelta | None:
        if value is None:
            return _DEFAULT_TIMEOUT
        text = str(value)
        length = parse_timespan(text)
        if text != "-1" and (length is None or length < _SHORTEST_TIMEOUT):
            raise ValueError(f"'{text}' is neither a time of the form hh:mm:ss, from one second on, nor -1")
        return length


class LocalHostOptions(BaseModel):
    """`Host` of local.settings.json: `CORS` is `*` or a comma-separated list of origins."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    cors: str = Field(default="", alias="CORS")
    cors_credentials: bool = Field(default=False, alias="CORSCredentials")


class LocalSettings(BaseModel):
    """local.settings.json, which is optional and never deployed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    is_encrypted: bool = Field(default=False, alias="IsEncrypted")
    values: dict[str, str | bool | int | float] = Field(default_factory=dict, alias="Values")
    host: LocalHostOptions = Field(default=LocalHostOptions(), alias="Host")


_Model = TypeVar("_Model", bound=BaseModel)
_Default = TypeVar("_Default", int, None)


def read_host_json(root: Path) -> HostJson:
    """Read `root`/host.json. Raises `StartupError` when it is missing or wrong."""
    return _read(root / "host.json", HostJson)


def read_local_settings(root: Path) -> LocalSettings:
    """Read `root`/local.settings.json, empty when there is none. Raises `StartupError` when it is wrong."""
    path = root / "local.settings.json"
    settings = _read(path, LocalSettings) if path.exists() else LocalSettings()
    if settings.is_encrypted:
        raise StartupError(f"{path} is encrypted; decrypt it with 'func settings decrypt'.")
    return settings


def apply_environment(environ: MutableMapping[str, str], settings: LocalSettings, defaults: Mapping[str, str]) -> None:
    """Complete `environ` with the app's settings, then with the host's defaults: what is already set wins."""
    for name, value in settings.values.items():
        environ.setdefault(name, value if isinstance(value, str) else json.dumps(value))
    for name, value in defaults.items():
        environ.setdefault(name, value)


def whole_number(environ: Mapping[str, str], name: str, default: _Default) -> int | _Default:
    """A positive number among the settings, or `default` when unset. Raises `StartupError` for anything else."""
    text = environ.get(name)
    if not text:
        return default
    if not text.isdecimal() or int(text) == 0:
        raise StartupError(f"The setting {name} must be a positive whole number, not '{text}'.")
    return int(text)


def _read(path: Path, model: type[_Model]) -> _Model:
    # Strict JSON, no comments: the durable SDK reads host.json the same way while the app imports it.
    try:
        return model.model_validate(json.loads(path.read_text("utf-8-sig")))
    except FileNotFoundError:
        raise StartupError(f'{path} is missing: a function app has at least {{"version": "2.0"}} there.') from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StartupError(f"{path} is wrong at '{where}': {first['msg']}.") from None
    except ValueError as error:
        raise StartupError(f"{path} is not strict JSON: {error}.") from None
