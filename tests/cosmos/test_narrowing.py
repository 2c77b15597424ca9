"""What is passed over without a full look is never what a query wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.cosmos.sql.compiling import compiled
from tests.cosmos.sql.narrowing import in_order, narrowed, ordering_path

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from(["", "a", "b"]), st.lists(st.integers(0, 1))
)
BODIES = st.lists(st.dictionaries(st.sampled_from("abc"), st.one_of(LEAVES, st.dictionaries(st.just("a"), LEAVES))))
PATHS = st.sampled_from(["c.a", "c.b", "c['c']", "c.a.a", "c.b['a']"])
LITERALS = st.sampled_from(["0", "1", "-1", "'a'", "'b'", "true", "null", "@one", "@text", "c.b", "[1]"])
SIGNS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
CONDITIONS = st.one_of(
    st.builds("{} {} {}".format, PATHS, SIGNS, LITERALS),
    st.builds("{} BETWEEN {} AND {}".format, PATHS, LITERALS, LITERALS),
    st.builds("{} IN ({}, {})".format, PATHS, LITERALS, LITERALS),
    st.builds("NOT {} = {}".format, PATHS, LITERALS),
    st.builds("({} = {} OR {} = {})".format, PATHS, LITERALS, PATHS, LITERALS),
)


@dataclass(frozen=True)
class Holder:
    body: dict[str, Any]


@given(BODIES, st.lists(CONDITIONS, min_size=1, max_size=3))
def test_nothing_that_matches_is_passed_over(bodies: list[dict[str, Any]], conditions: list[str]) -> None:
    query = compiled("SELECT * FROM c WHERE " + " AND ".join(conditions))  # noqa: S608 - made above
    given_values = {"@one": 1, "@text": "a"}

    def matching(body: dict[str, Any]) -> bool:
        assert query.where is not None
        return query.where({**given_values, "c": body}) is True

    left = [one.body for one in narrowed(query, map(Holder, bodies), given_values)]
    assert list(filter(matching, left)) == list(filter(matching, bodies))


@given(BODIES)
def test_items_are_put_in_the_order_of_their_rows(bodies: list[dict[str, Any]]) -> None:
    from tests.cosmos.sql.values import UNDEFINED, order_key

    query = compiled("SELECT * FROM c ORDER BY c.a DESC")
    path = ordering_path(query.query)
    assert path == ("a",)
    found = [one.body for one in in_order(query, list(map(Holder, bodies)), path)]
    assert found == sorted(bodies, key=lambda body: order_key(body.get("a", UNDEFINED)), reverse=True)
