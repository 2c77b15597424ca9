"""Tool definitions made of operations: what each takes, the request it is, and why some are left."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from domain.openapi.documents import DocumentError, Object, OpenApi, Operation, listed, objects, server_of
from domain.openapi.schemas import Schemas
from domain.tools import MOST_DESCRIPTION, Tool
from domain.validation import check_tool, details_of
from domain.values import Json
from domain.wording import did_you_mean

_REPEATABLE = frozenset({"get", "put", "delete"})
"""Methods that HTTP calls idempotent."""
_UNWANTED = frozenset({"accept", "content-type", "authorization", "idempotency-key", "host", "content-length"})
"""Header parameters that OpenAPI says to ignore, or that the service sets itself."""


@dataclass(frozen=True)
class Left:
    """An operation no tool was made of."""

    operation: str
    reason: str


@dataclass(frozen=True)
class Imported:
    """`tools` are definitions as an author would write them; `notes` say what was left out of which."""

    tools: tuple[dict[str, Json], ...]
    left: tuple[Left, ...] = ()
    notes: tuple[Left, ...] = ()


def imported(
    document: Json,
    operations: Collection[str] | None = None,
    server: str | None = None,
    secrets: Mapping[str, str] | None = None,
) -> Imported:
    """Tools of these operations, by their ids; None: of all.

    `server`: the address the API is at, where the document does not say a whole one. `secrets`: the deployment's secret
    for each security scheme; unset, the scheme's name in capitals. Raises `DocumentError`.
    """
    api = OpenApi(document)
    made: dict[str, dict[str, Json]] = {}
    left: list[Left] = []
    notes: list[Left] = []
    found = list(api.operations())
    ids = {operation.id for operation in found}
    wanted = set(operations) if operations is not None else ids
    if missing := sorted(wanted - ids):
        hint = did_you_mean(missing[0], ids) or "."
        raise DocumentError(f"There is no operation `{missing[0]}` in the document{hint}")
    schemes = {name for name, _ in _schemes(api)}
    if strange := sorted(set(secrets or {}) - schemes):
        hint = did_you_mean(strange[0], schemes) or "."
        raise DocumentError(f"There is no security scheme `{strange[0]}` in the document{hint}")
    for operation in found:
        if operation.id not in wanted:
            continue
        try:
            maker = _Maker(api, operation, secrets or {})
            tool = maker.tool(_free(_name(operation.id), made), server)
            _check(tool)
        except DocumentError as error:
            left.append(Left(operation.id, str(error)))
            continue
        made[str(tool["name"])] = tool
        notes += [Left(operation.id, f"Left out: {what}.") for what in maker.left_out]
    return Imported(tuple(made.values()), tuple(left), tuple(notes))


def _schemes(api: OpenApi) -> Iterable[tuple[str, Json]]:
    return objects(dict(objects(api.document.get("components"))).get("securitySchemes"))


def _check(tool: dict[str, Json]) -> None:
    """Raises `DocumentError` with the first mistake that the tool would be refused for."""
    try:
        details = check_tool(Tool.model_validate(tool)).errors
    except ValidationError as error:
        details = details_of(error, Tool, tool)
    if details:
        raise DocumentError(f"Its tool would have a mistake at `{details[0].pointer}`: {details[0].message}.")


@dataclass
class _Maker:
    """Of one operation."""

    api: OpenApi
    operation: Operation
    secrets: Mapping[str, str]
    properties: dict[str, Json] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    parts: dict[str, dict[str, Json]] = field(default_factory=lambda: {"path": {}, "query": {}, "header": {}})
    left_out: list[str] = field(default_factory=list)

    def tool(self, name: str, server: str | None) -> dict[str, Json]:
        """Raises `DocumentError`."""
        schemas = Schemas(self.api)
        parameters = [self.api.resolved(parameter) for parameter in self.operation.parameters]
        for parameter in {(str(one.get("in")), str(one.get("name"))): one for one in parameters}.values():
            self._take(parameter, schemas)
        body = self._body(schemas)
        self._secure()
        self.left_out += schemas.left_out
        request: dict[str, Json] = {"method": self.operation.method.upper(), "url": self._url(server)}
        request |= {
            key: self.parts[part] for key, part in (("query", "query"), ("headers", "header")) if self.parts[part]
        }
        if self.operation.method not in ("get", "delete"):
            request["body"] = body
        given: dict[str, Json] = {"type": "object", "properties": self.properties, "additionalProperties": False}
        if self.required:
            given["required"] = self.required
        if schemas.definitions:
            given["$defs"] = schemas.definitions
        tool: dict[str, Json] = {"name": name, "description": self._description(), "input": given, "http": request}
        tool["delivery"] = "idempotent" if self.operation.method in _REPEATABLE else "at_most_once"
        return tool

    def _take(self, parameter: Object, schemas: Schemas) -> None:
        name, where, needed = parameter.get("name"), parameter.get("in"), parameter.get("required") is True
        if not isinstance(name, str) or (where == "header" and name.lower() in _UNWANTED):
            return
        schema = _schema_of(parameter)
        if reason := self._not_taken(parameter, self.api.resolved(schema) if schema else {}):
            if needed:
                raise DocumentError(f"Its parameter `{name}` {reason}.")
            self.left_out.append(f"parameter `{name}`, which {reason}")
            return
        self.parts[str(where)][name] = self._argument(
            name if name not in self.properties else f"{name}_{where}",
            schemas.made(schema),
            str(parameter.get("description", "")),
            needed or where == "path",
        )

    def _not_taken(self, parameter: Object, schema: Object) -> str | None:
        where, kind = str(parameter.get("in")), schema.get("type")
        kinds = [str(one) for one in listed(kind) or [kind]]
        if where not in self.parts:
            return f"is in a {where}"
        if where == "header" and not re.fullmatch(r"[A-Za-z0-9_-]+", str(parameter.get("name"))):
            return "has a name that no header can have"
        if "object" in kinds:
            return "is an object"
        if "array" in kinds and (where != "query" or parameter.get("explode") is False or _style(parameter) != "form"):
            return "is a list that is written in another way than item by item"
        return None

    def _body(self, schemas: Schemas) -> Json:
        said = self.operation.said.get("requestBody")
        if said is None:
            return None
        body = self.api.resolved(said)
        needed = body.get("required") is True
        kinds = objects(body.get("content"))
        content = next((content for kind, content in kinds if _is_json(kind)), None)
        reason = "has a body that is no JSON" if not isinstance(content, dict) else None
        if self.operation.method in ("get", "delete"):
            reason = f"has a body, which {self.operation.method.upper()} does not send"
        if reason is not None:
            if needed:
                raise DocumentError(f"It {reason}.")
            self.left_out.append(f"the body: it {reason}")
            return None
        name = "body" if "body" not in self.properties else "request_body"
        schema = schemas.made((content or {}).get("schema", {}))
        return self._argument(name, schema, str(body.get("description", "")), needed)

    def _argument(self, name: str, schema: Json, description: str, needed: bool) -> str:
        """The template that puts it into the request."""
        if isinstance(schema, dict) and description and "description" not in schema:
            schema = {"description": description[:MOST_DESCRIPTION], **schema}
        self.properties[name] = schema
        key = json.dumps(name)
        if needed:
            self.required.append(name)
            return f"${{arguments[{key}]}}"
        return f"${{{key} in arguments ? arguments[{key}] : null}}"

    def _secure(self) -> None:
        """By the first of the ways that the operation allows."""
        ways = listed(self.operation.said.get("security", self.api.document.get("security")))
        schemes = dict(_schemes(self.api))
        for name, _ in objects(ways[0] if ways else {}):
            scheme = self.api.resolved(schemes.get(name))
            reference: dict[str, Json] = {"secret": self.secrets.get(name, _capitals(name))}
            if scheme.get("type") == "apiKey" and scheme.get("in") in ("query", "header"):
                self.parts[str(scheme["in"])][str(scheme.get("name"))] = reference
            elif scheme.get("type") == "apiKey":
                raise DocumentError(f"It is secured by `{name}`, which is in a {scheme.get('in')}.")
            else:
                basic = str(scheme.get("scheme", "")).lower() == "basic"
                self.parts["header"]["Authorization"] = {**reference, "prefix": "Basic " if basic else "Bearer "}

    def _url(self, server: str | None) -> str:
        path = self.operation.path.replace("${", "%24{")
        for name in re.findall(r"\{([^{}]*)\}", path):
            if name not in self.parts["path"]:
                raise DocumentError(f"Its path has a `{{{name}}}` that is none of its parameters.")
        filled = re.sub(r"\{([^{}]*)\}", lambda found: str(self.parts["path"][found[1]]), path)
        return server_of(self.operation, server) + filled

    def _description(self) -> str:
        said = self.operation.said
        texts = [str(said.get(key) or "").strip() for key in ("summary", "description")]
        told = (
            "\n".join(dict.fromkeys(text for text in texts if text))
            or f"{self.operation.method.upper()} {self.operation.path}"
        )
        return told if len(told) <= MOST_DESCRIPTION else told[: MOST_DESCRIPTION - 1] + "…"


def _schema_of(parameter: Object) -> Json:
    if "schema" in parameter:
        return parameter["schema"]
    return next((content.get("schema", {}) for _, content in objects(parameter.get("content"))), {})


def _style(parameter: Object) -> str:
    return str(parameter.get("style", "form"))


def _is_json(kind: str) -> bool:
    kind = kind.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _name(id: str) -> str:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", id)
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:60].rstrip("-") or "operation"


def _free(name: str, taken: Collection[str]) -> str:
    return next(one for one in _numbered(name) if one not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _capitals(name: str) -> str:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    found = re.sub(r"[^A-Z0-9]+", "_", words.upper()).strip("_")[:60]
    return found if found[:1].isalpha() else f"KEY_{found}"
