"""The account: its databases and containers."""

from __future__ import annotations

import re
import uuid
from typing import Any

from tests.cosmos import documents
from tests.cosmos.charges import FAILED
from tests.cosmos.clock import Clock
from tests.cosmos.containers import Container, Versions
from tests.cosmos.errors import CosmosError, bad_request, missing
from tests.cosmos.limits import LONGEST_LIFE, loads
from tests.cosmos.messages import Answer, Request, saying
from tests.cosmos.policies import check_kept, check_policies

STRONG = "Strong"
LEVELS = (STRONG, "BoundedStaleness", "Session", "ConsistentPrefix", "Eventual")
"""Default consistency levels, the strongest first. Here all answers are strong; reads at the first two cost double."""
METADATA = 1.0
"""Request units of reading about a database or a container. Ours."""


class Database:
    def __init__(self, properties: dict[str, Any]) -> None:
        self.properties = properties
        self.containers: dict[str, Container] = {}


class Account:
    def __init__(self, clock: Clock, consistency: str = STRONG) -> None:
        self.consistency = consistency
        self.versions = Versions()
        self.regions: dict[str, list[dict[str, str]]] = {}
        self._clock = clock
        self._databases: dict[str, Database] = {}
        self._made = 0

    def reset(self) -> None:
        self._databases.clear()
        self.regions.clear()

    def answer(self, request: Request) -> Answer:
        """Raises `CosmosError`."""
        parts = request.parts
        if not parts:
            return self._described(request.origin)
        if parts[0] == "offers":  # as of a serverless account, which has none
            return saying(200, {"_rid": "", "Offers": [], "_count": 0}, METADATA)
        if parts[0] != "dbs":
            raise bad_request(f"There is nothing at '{parts[0]}'.")
        if len(parts) == 1:
            return self._of_databases(request)
        database = self._databases.get(parts[1])
        if database is None:
            raise missing("Database", owner=len(parts) > 2)
        return self._within(database, request)

    def _within(self, database: Database, request: Request) -> Answer:
        parts = request.parts
        if len(parts) == 2:
            return self._of_database(database, request)
        if parts[2] != "colls":
            raise bad_request(f"There is nothing at '{parts[2]}'.")
        if len(parts) == 3:
            return self._of_containers(database, request)
        container = database.containers.get(parts[3])
        if container is None:
            raise missing("Container", owner=len(parts) > 4)
        if len(parts) == 4:
            return self._of_container(database, container, request)
        if parts[4] == "pkranges":
            return _ranges(container, request)
        if parts[4] != "docs" or len(parts) > 6:
            raise bad_request(f"There is nothing at '{parts[4]}'.")
        return documents.answer(container, request, self._clock)

    def _described(self, origin: str) -> Answer:
        here = [{"name": "Local", "databaseAccountEndpoint": origin}]
        body = {
            "id": "local", "_rid": "local", "_self": "", "media": "//media/", "addresses": "//addresses/",
            "_dbs": "//dbs/", "writableLocations": here, "readableLocations": here,
            "userConsistencyPolicy": {"defaultConsistencyLevel": self.consistency},
            "enableMultipleWriteLocations": False, "userReplicationPolicy": {}, "systemReplicationPolicy": {},
            "readPolicy": {},
            "queryEngineConfiguration": "{}",
            **self.regions,
        }  # fmt: skip
        return saying(200, body)

    def _of_databases(self, request: Request) -> Answer:
        if request.method == "GET" or request.is_query:
            found = [database.properties for database in self._databases.values()]
            return saying(200, {"_rid": "", "Databases": found, "_count": len(found)}, METADATA)
        properties = self._new(loads(request.body))
        if properties["id"] in self._databases:
            raise CosmosError(409, "A database with that id already exists.")
        self._databases[properties["id"]] = Database(properties)
        return _resource(201, properties)

    def _of_database(self, database: Database, request: Request) -> Answer:
        if request.method == "DELETE":
            del self._databases[database.properties["id"]]
            return Answer(204, charge=METADATA)
        return _resource(200, database.properties)

    def _of_containers(self, database: Database, request: Request) -> Answer:
        if request.method == "GET" or request.is_query:
            found = [container.properties for container in database.containers.values()]
            return saying(200, {"_rid": "", "DocumentCollections": found, "_count": len(found)}, METADATA)
        properties = self._new(loads(request.body))
        _check_container(properties)
        if properties["id"] in database.containers:
            raise CosmosError(409, "A container with that id already exists.")
        database.containers[properties["id"]] = Container(properties, self._clock, self.versions)
        return _resource(201, properties)

    def _of_container(self, database: Database, container: Container, request: Request) -> Answer:
        if request.method == "DELETE":
            del database.containers[container.properties["id"]]
            return Answer(204, charge=METADATA)
        if request.method == "PUT":
            self._replace(container, loads(request.body))
        return _resource(200, container.properties)

    def _replace(self, container: Container, given: dict[str, Any]) -> None:
        there = container.properties
        changed = {**{name: value for name, value in there.items() if name.startswith("_")}, **given}
        for fixed in ("id", "partitionKey", "uniqueKeyPolicy"):
            if given.get(fixed, there.get(fixed)) != there.get(fixed):
                raise bad_request(f"The '{fixed}' of a container cannot be changed.")
        _check_container(changed)
        check_kept(there, changed)
        container.properties = {**changed, "_etag": f'"{uuid.uuid4()}"'}

    def _new(self, given: Any) -> dict[str, Any]:
        if not isinstance(given, dict) or not re.fullmatch(r"[^/\\?#]{1,254}[^/\\?# ]", str(given.get("id", "")) + "."):
            raise bad_request("The id has from 1 to 255 characters, without '/', '\\', '?' and '#'.")
        self._made += 1
        system = {"_rid": f"r{self._made:06d}==", "_self": "", "_etag": f'"{uuid.uuid4()}"'}
        return {**given, **system, "_ts": int(self._clock.now())}


def _check_container(properties: dict[str, Any]) -> None:
    key = properties.get("partitionKey")
    if not isinstance(key, dict) or not key.get("paths"):
        raise bad_request("A container has a partition key.")
    most = 3 if key.get("kind") == "MultiHash" else 1
    if len(key["paths"]) > most or not all(str(path).startswith("/") for path in key["paths"]):
        raise bad_request(
            "A partition key has one path, or up to three when it is hierarchical, each beginning with '/'."
        )
    check_policies(properties)
    life = properties.get("defaultTtl")
    if life is not None and (not isinstance(life, int) or life == 0 or not -1 <= life <= LONGEST_LIFE):
        raise bad_request("The default time to live is -1 or a whole number from 1 to 2147483647.")


def _resource(status: int, properties: dict[str, Any]) -> Answer:
    return saying(status, properties, METADATA, etag=properties["_etag"])


def _ranges(container: Container, request: Request) -> Answer:
    """All partitions are in one physical range, so clients send each query to it whole."""
    tag = f'"{container.properties["_rid"]}"'
    if request.headers.get("if-none-match") == tag:
        return Answer(304, headers={"etag": tag}, charge=FAILED)
    one = {"id": "0", "minInclusive": "", "maxExclusive": "FF", "_rid": f"{container.properties['_rid']}0"}
    body = {"_rid": container.properties["_rid"], "PartitionKeyRanges": [{**one, "status": "online", "parents": []}]}
    return saying(200, {**body, "_count": 1}, METADATA, etag=tag)
