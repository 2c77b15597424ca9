"""Words become a tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cosmos.sql.lexing import Word, syntax_error, words_of
from tests.cosmos.sql.syntax import (
    Among,
    ArrayOf,
    Binary,
    Call,
    Conditional,
    Constant,
    Member,
    Name,
    Node,
    ObjectOf,
    Order,
    Parameter,
    Query,
    Subquery,
    Unary,
)

_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_WORTH = ("TRUE", True), ("FALSE", False), ("NULL", None)


def parse(text: str) -> Query:
    """Raises `CosmosError` 400 where the text is no query."""
    parser = _Parser(words_of(text))
    query = parser.query()
    parser.expect_end()
    return query


class _Parser:
    def __init__(self, words: list[Word]) -> None:
        self._words = words
        self._at = 0

    # ---- words

    @property
    def _next(self) -> Word:
        return self._words[self._at]

    def _is(self, *texts: str, ahead: int = 0) -> bool:
        word = self._words[min(self._at + ahead, len(self._words) - 1)]
        return word.kind in ("keyword", "sign") and word.text.upper() in texts

    def _take(self, *texts: str) -> str | None:
        if not self._is(*texts):
            return None
        self._at += 1
        return self._words[self._at - 1].text.upper()

    def _expect(self, *texts: str) -> None:
        if self._take(*texts) is None:
            raise syntax_error(self._next.text)

    def expect_end(self) -> None:
        if self._next.kind != "end":
            raise syntax_error(self._next.text)

    def _name(self) -> str:
        """No keyword can be one, not even after a dot: `c.value` is written `c["value"]`."""
        word = self._next
        if word.kind != "name":
            raise syntax_error(word.text)
        self._at += 1
        return word.text

    def _several(self, one: Callable[[], Any]) -> tuple[Any, ...]:
        found = [one()]
        while self._take(","):
            found.append(one())
        return tuple(found)

    def _until(self, end: str, one: Callable[[], Any]) -> tuple[Any, ...]:
        found = () if self._is(end) else self._several(one)
        self._expect(end)
        return found

    # ---- queries

    def query(self) -> Query:
        self._expect("SELECT")
        selected: dict[str, Any] = {"distinct": bool(self._take("DISTINCT"))}
        if self._take("TOP"):
            selected["top"] = self._primary()
        if self._take("VALUE"):
            selected["value"] = self._expression()
        elif not self._take("*"):
            selected["columns"] = self._named(self._several(self._column))
        root, sources = self._from()
        selected["where"] = self._expression() if self._take("WHERE") else None
        if self._take("GROUP"):
            self._expect("BY")
            selected["groups"] = self._several(self._expression)
        if self._take("ORDER"):
            self._expect("BY")
            if self._take("RANK"):
                selected["rank"] = self._expression()
            else:
                selected["orders"] = self._several(self._order)
        if self._take("OFFSET"):
            selected["offset"] = self._primary()
            self._expect("LIMIT")
            selected["limit"] = self._primary()
        return Query(root=root, sources=sources, **selected)

    def _from(self) -> tuple[str | None, tuple[tuple[str, Node], ...]]:
        if not self._take("FROM"):
            return None, ()
        root: str | None = None
        sources: list[tuple[str, Node]] = []
        first = self._name()
        if self._take("IN"):
            sources.append((first, self._postfix()))
        else:
            self._take("AS")
            root = self._name() if self._next.kind == "name" else first
        while self._take("JOIN"):
            alias = self._name()
            self._expect("IN")
            sources.append((alias, self._postfix()))
        return root, tuple(sources)

    def _column(self) -> tuple[str | None, Node]:
        node = self._expression()
        if self._take("AS"):
            return self._name(), node
        if isinstance(node, Member) and isinstance(node.key, Constant) and isinstance(node.key.value, str):
            return node.key.value, node
        return (node.name if isinstance(node, Name) else None), node

    @staticmethod
    def _named(columns: tuple[tuple[str | None, Node], ...]) -> tuple[tuple[str, Node], ...]:
        unnamed = iter(range(1, len(columns) + 1))
        return tuple((name or f"${next(unnamed)}", node) for name, node in columns)

    def _order(self) -> Order:
        node = self._expression()
        direction = self._take("ASC", "DESC")
        return Order(node, direction == "DESC", reversed=direction == "ASC")

    # ---- expressions, what binds least first

    def _expression(self) -> Node:
        test = self._coalesced()
        if not self._take("?"):
            return test
        yes = self._expression()
        self._expect(":")
        return Conditional(test, yes, self._expression())

    def _coalesced(self) -> Node:
        return self._chain(self._either, "??")

    def _either(self) -> Node:
        return self._chain(self._both, "OR")

    def _both(self) -> Node:
        return self._chain(self._negated, "AND")

    def _chain(self, one: Callable[[], Node], *operators: str) -> Node:
        left = one()
        while operator := self._take(*operators):
            left = Binary(operator, left, one())
        return left

    def _negated(self) -> Node:
        return Unary("NOT", self._negated()) if self._take("NOT") else self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        if operator := self._take(*_COMPARISONS):
            return Binary("!=" if operator == "<>" else operator, left, self._sum())
        is_negated = self._is("NOT") and self._is("IN", "LIKE", "BETWEEN", ahead=1)
        if is_negated:
            self._take("NOT")
        found = self._membership(left)
        return Unary("NOT", found) if is_negated else found

    def _membership(self, left: Node) -> Node:
        if self._take("IN"):
            self._expect("(")
            return Among(left, self._until(")", self._expression))
        if self._take("BETWEEN"):
            low = self._sum()
            self._expect("AND")
            return Binary("AND", Binary(">=", left, low), Binary("<=", left, self._sum()))
        if self._take("LIKE"):
            pattern = self._sum()
            escape = self._primary() if self._take("ESCAPE") else Constant("\\")
            return Call("LIKE", (left, pattern, escape))
        return left

    def _sum(self) -> Node:
        return self._chain(self._product, "+", "-", "||")

    def _product(self) -> Node:
        return self._chain(self._signed, "*", "/", "%")

    def _signed(self) -> Node:
        if self._take("-"):
            return Unary("-", self._signed())
        return self._signed() if self._take("+") else self._postfix()

    def _postfix(self) -> Node:
        node = self._primary()
        while True:
            if self._take("."):
                node = Member(node, Constant(self._name()))
            elif self._take("["):
                node = Member(node, self._expression())
                self._expect("]")
            else:
                return node

    def _primary(self) -> Node:
        word = self._next
        if word.kind in ("number", "string", "parameter"):
            self._at += 1
            return Parameter(word.text) if word.kind == "parameter" else Constant(word.value)
        if word.kind == "name":
            return self._named_or_called(self._name())
        return self._bracketed() or self._keyword()

    def _named_or_called(self, name: str) -> Node:
        return Call(name.upper(), self._until(")", self._expression)) if self._take("(") else Name(name)

    def _bracketed(self) -> Node | None:
        if self._take("["):
            return ArrayOf(self._until("]", self._expression))
        if self._take("{"):
            return ObjectOf(self._until("}", self._member))
        if not self._take("("):
            return None
        node: Node = Subquery("value", self.query()) if self._is("SELECT") else self._expression()
        self._expect(")")
        return node

    def _keyword(self) -> Node:
        for text, value in _WORTH:
            if self._take(text):
                return Constant(value)
        if self._take("UNDEFINED"):
            return Call("UNDEFINED", ())
        for text in ("EXISTS", "ARRAY"):
            if self._take(text):
                self._expect("(")
                query = self.query()
                self._expect(")")
                return Subquery("exists" if text == "EXISTS" else "array", query)
        raise syntax_error(self._next.text)

    def _member(self) -> tuple[str, Node]:
        word = self._next
        if word.kind not in ("string", "name", "keyword"):
            raise syntax_error(word.text)
        self._at += 1
        self._expect(":")
        return word.value if word.kind == "string" else word.text, self._expression()
