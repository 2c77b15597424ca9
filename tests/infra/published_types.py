"""The Bicep files against the types that Azure publishes: names, kinds, values, and what must be given.

They are the files of github.com/Azure/bicep-types-az, too large to keep. To check everything against them, and to write
down in azure_types.json what is real: `python -m tests.infra.published_types CLONE`, with a clone of that repository.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tree_sitter import Node

from tests.infra.azure_types import LANGUAGE_OWN, RECORD, settings
from tests.infra.bicep_reader import INFRA, BicepFile, Block, meaningful_children, properties, text, variable, walk
from tests.infra.kinds import kind_of

REQUIRED, READ_ONLY = 1, 2
LITERALS = {"string": "StringType", "boolean": "BooleanType", "number": "IntegerType"}
KINDS = {
    "ArrayType": "array",
    "BooleanType": "bool",
    "DiscriminatedObjectType": "object",
    "IntegerType": "int",
    "ObjectType": "object",
    "StringLiteralType": "string",
    "StringType": "string",
}
SOURCE = "https://github.com/Azure/bicep-types-az"
DOCUMENTED = {"properties.functionAppConfig.siteUpdateStrategy"}
"""Real, yet not among these types: learn.microsoft.com/azure/azure-functions/flex-consumption-site-updates."""

Type = Mapping[str, Any]


@dataclass(frozen=True)
class Clone:
    """A clone of the published types."""

    folder: Path

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    @cached_property
    def files(self) -> list[str]:
        return self.git("ls-tree", "-r", "--name-only", "HEAD", "generated").splitlines()

    def types_of(self, target: str) -> tuple[list[Type], Type] | None:
        """All types of the file that has `target`, and that of its body."""
        kind, _, version = target.lower().partition("@")
        end = f"/{kind.partition('/')[0]}/{version}/types.json"
        for path in filter(lambda path: path.endswith(end), self.files):
            types: list[Type] = json.loads(self.git("show", f"HEAD:{path}"))
            for entry in types:
                if entry["$type"] == "ResourceType" and entry["name"].lower() == target.lower():
                    return types, types[number(entry["body"])]
        return None


def number(reference: Mapping[str, str]) -> int:
    return int(reference["$ref"].removeprefix("#/"))


@dataclass
class Check:
    """Of one resource: `faults` says what is wrong, `values` which values it has where not any is possible."""

    file: BicepFile
    types: list[Type]
    faults: list[str] = field(default_factory=list)
    values: dict[str, set[str]] = field(default_factory=dict)

    def at(self, reference: Mapping[str, str]) -> Type:
        return self.types[number(reference)]

    def value(self, wanted: Type, node: Node, path: str) -> None:
        """Compare a value with its type. What is only known while deploying is passed over."""
        if node.type == "identifier" and (declared := variable(self.file, text(node))) is not None:
            node = declared
        if node.type == "ternary_expression":
            for branch in meaningful_children(node)[1:]:
                self.value(wanted, branch, path)
        elif node.type in {"array", "for_statement"}:
            self.items(wanted, node, path)
        elif node.type == "object":
            self.fields(wanted, node, path)
        elif node.type in LITERALS:
            self.literal(wanted, node, path)
        elif (kind := kind_of(INFRA, self.file, node)) is not None:
            self.kind(wanted, kind, node, path)

    def kind(self, wanted: Type, kind: str, node: Node, path: str) -> None:
        """Compare what is known of an expression."""
        options = [self.at(each) for each in wanted["elements"]] if wanted["$type"] == "UnionType" else [wanted]
        possible = {KINDS.get(option["$type"]) for option in options}
        if kind not in possible and None not in possible:
            self.faults.append(f"{path}: {text(node)} is {kind}")

    def items(self, wanted: Type, node: Node, path: str) -> None:
        if wanted["$type"] != "ArrayType":
            self.faults.append(f"{path}: is no array")
            return
        children = meaningful_children(node)
        for item in children if node.type == "array" else children[-1:]:
            self.value(self.at(wanted["itemType"]), item, path)

    def fields(self, wanted: Type, node: Node, path: str, *, is_existing: bool = False) -> None:
        if wanted["$type"] == "AnyType":
            return
        known, others = self.known(wanted, node, path)
        given = {name: value for name, value in properties(node).items() if path or name not in LANGUAGE_OWN}
        for name, value in given.items():
            here = f"{path}.{name}" if path else name
            if name in known and known[name]["flags"] & READ_ONLY:
                self.faults.append(f"{here}: can only be read")
            elif name in known:
                self.value(self.at(known[name]["type"]), value, here)
            elif others is not None:
                self.value(self.at(others), value, here)
            elif here not in DOCUMENTED:
                self.faults.append(f"{here}: is unknown")
        if not is_existing:
            needed = {name for name, entry in known.items() if entry["flags"] & (REQUIRED | READ_ONLY) == REQUIRED}
            self.faults += [f"{path}: lacks {name}" for name in sorted(needed - set(given))]

    def known(self, wanted: Type, node: Node, path: str) -> tuple[Mapping[str, Any], Mapping[str, str] | None]:
        """The properties that an object of this type may have, and the type of all others, if it may have any."""
        if wanted["$type"] == "ObjectType":
            return wanted["properties"], wanted.get("additionalProperties")
        if wanted["$type"] != "DiscriminatedObjectType":
            self.faults.append(f"{path}: is no object")
            return {}, None
        chosen = properties(node).get(wanted["discriminator"])
        element = wanted["elements"].get(text(chosen)) if chosen is not None else None
        if element is None:
            self.faults.append(f"{path}: {wanted['discriminator']} is none of {', '.join(wanted['elements'])}")
            return {}, None
        return {**wanted["baseProperties"], **self.at(element)["properties"]}, None

    def literal(self, wanted: Type, node: Node, path: str) -> None:
        if wanted["$type"] == "AnyType":
            return
        options = [self.at(each) for each in wanted["elements"]] if wanted["$type"] == "UnionType" else [wanted]
        possible = sorted(option["value"] for option in options if option["$type"] == "StringLiteralType")
        kinds = {"StringType" if option["$type"] == "StringLiteralType" else option["$type"] for option in options}
        if LITERALS[node.type] not in kinds:
            self.faults.append(f"{path}: {text(node)} is of the wrong kind")
        elif possible:
            self.values.setdefault(path, set()).add(text(node))
            # Azure may know more than it has published; a name that it has not is more likely mistyped.
            if "${" not in text(node) and text(node) not in possible:
                self.faults.append(f"{path}: {text(node)} is none of {', '.join(possible)}")

    def reads(self, wanted: Type, names: list[str], path: str) -> None:
        """Follow what is read of the resource: `account.properties.endpoint`."""
        for name in names:
            fields = wanted.get("properties", {})
            if name not in fields:
                # Of what may have any property nothing is known.
                if wanted["$type"] == "ObjectType" and "additionalProperties" not in wanted:
                    self.faults.append(f"{path} is read, and has no {name}")
                return
            wanted = self.at(fields[name]["type"])


def reads_of(file: BicepFile, block: Block) -> list[list[str]]:
    """Every chain of properties that the file reads of a resource."""
    chains = (text(node).split(".") for node in walk(file.root) if node.type == "member_expression")
    return [names for symbol, *names in chains if symbol.partition("[")[0] == block.symbol]


def checked(clone: Clone, file: BicepFile, block: Block) -> Check:
    """One resource, compared, and what is read of it."""
    found = clone.types_of(block.target)
    if found is None:
        return Check(file, [], [f"there is no type {block.target}"])
    types, body = found
    check = Check(file, types)
    check.fields(body, block.body, "", is_existing=block.is_existing)
    for names in reads_of(file, block):
        check.reads(body, names, ".".join([block.symbol, *names]))
    return check


def main() -> int:
    clone = Clone(Path(sys.argv[1]))
    paths: dict[str, set[str]] = {}
    values: dict[tuple[str, str], set[str]] = {}
    faults: list[str] = []
    resources = [(file, block) for file in INFRA.files for block in file.resources]
    for file, block in resources:
        check = checked(clone, file, block)
        faults += [f"{file.path.name}: {block.symbol}: {line}" for line in check.faults]
        paths.setdefault(block.target, set()).update(path for path, _ in settings(file, block.body))
        for path, seen in check.values.items():
            values.setdefault((block.target, path), set()).update(seen)
    if faults:
        print("\n".join(faults))
        return 1
    known = {
        target: {path: sorted(values.get((target, path), ())) or None for path in sorted(paths[target])}
        for target in sorted(paths)
    }
    content = {"source": SOURCE, "commit": clone.git("rev-parse", "HEAD").strip(), "resources": known}
    RECORD.write_text(json.dumps(content, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
