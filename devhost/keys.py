"""The keys that callers present: made once, kept in a file beside the state, asked for only with `--keys`."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from devhost.errors import StartupError
from devhost.functions import Function

MASTER = "_master"
_DEFAULT = "default"

Named = dict[str, str]


def keys_file(state: Path) -> Path:
    """Where the keys of the app with this state file are."""
    return state.with_name(f"{state.name}.keys.json")


def _make() -> str:
    return secrets.token_urlsafe(40)


class _Stored(BaseModel):
    """The file. Functions are named in lower case, because their names compare so."""

    master: str = Field(default_factory=_make)
    host: Named = Field(default_factory=lambda: {_DEFAULT: _make()})
    system: Named = Field(default_factory=dict)
    functions: dict[str, Named] = Field(default_factory=dict)


class KeyRing:
    """All keys of one app, by Azure's levels: a function's own, the host's for every function, master for all."""

    def __init__(self, file: Path, functions: Iterable[str], extensions: Iterable[str]) -> None:
        """Read `file` and make the keys that it lacks. Raises `StartupError` when it cannot be read."""
        self._file = file
        self._stored = _read(file)
        for extension in extensions:
            self._stored.system.setdefault(_key_of(extension), _make())
        for name in functions:
            self._stored.functions.setdefault(name.lower(), {_DEFAULT: _make()})
        self._write()

    def admits(self, function: Function, key: str) -> bool:
        """Whether `key` opens an HTTP function."""
        match function.auth_level:
            case "anonymous":
                return True
            case "admin":
                return self.is_master(key)
            case _:
                own = self._stored.functions.get(function.name.lower(), {})
                return _is_among(key, [self._stored.master, *self._stored.host.values(), *own.values()])

    def is_master(self, key: str) -> bool:
        return _is_among(key, [self._stored.master])

    def admits_to_extension(self, extension: str, key: str) -> bool:
        """Whether `key` opens the webhooks of an extension such as `durabletask`."""
        own = self._stored.system.get(_key_of(extension))
        return _is_among(key, [self._stored.master, *([own] if own else [])])

    def of_extension(self, extension: str) -> str:
        """The system key that an extension puts into the URLs it hands out."""
        return self._stored.system[_key_of(extension)]

    def of_host(self) -> Named:
        return dict(self._stored.host)

    def of_system(self) -> Named:
        return {**self._stored.system, MASTER: self._stored.master}

    def of_function(self, name: str) -> Named | None:
        """A function's own keys, or None when there is no such function."""
        found = self._stored.functions.get(name.lower())
        return None if found is None else dict(found)

    def put(self, function: str | None, name: str, value: str | None) -> tuple[bool, str]:
        """Set a key of `function`, or of the host when None; made up when `value` is None.

        Returns whether it is new, and the key. Raises `KeyError` when there is no such function.
        """
        keys = self._scope(function)
        is_new = name not in keys
        keys[name] = value or _make()
        self._write()
        return is_new, keys[name]

    def delete(self, function: str | None, name: str) -> None:
        """Raises `KeyError` when there is no such key."""
        del self._scope(function)[name]
        self._write()

    def _scope(self, function: str | None) -> Named:
        return self._stored.host if function is None else self._stored.functions[function.lower()]

    def _write(self) -> None:
        temporary = self._file.with_name(f"{self._file.name}.new")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(self._stored.model_dump_json(indent=2))
        temporary.replace(self._file)


def _read(file: Path) -> _Stored:
    try:
        return _Stored.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return _Stored()
    except (OSError, ValidationError) as error:
        raise StartupError(f"The keys in {file} cannot be read; remove the file to have new ones made.") from error


def _key_of(extension: str) -> str:
    return f"{extension}_extension"


def _is_among(key: str, keys: Iterable[str]) -> bool:
    # All of them, each in constant time: how long it takes must not tell how much of a guess is right.
    return any([hmac.compare_digest(key.encode(), known.encode()) for known in keys])
