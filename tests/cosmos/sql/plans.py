"""Plans of queries that are ordered by rank: the client runs the parts, and fuses what they give.

Their shape is that of the service as Microsoft's SDKs test for it (QueryPlanRetrieverTests.cs and
hybridSearchQueryInfo in the public repositories of azure-cosmos-dotnet-v3 and azure-sdk-for-js).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.cosmos.errors import bad_request
from tests.cosmos.sql.syntax import ArrayOf, Call, Constant, Node, Parameter, Query, Unary
from tests.cosmos.sql.writing import payload_of, written

FEWEST = 120
"""Rows that a part gives, where fewer are asked for."""
_DOCUMENTS = "{documentdb-formattablehybridsearchquery-totaldocumentcount}"
_WORDS = "{{documentdb-formattablehybridsearchquery-totalwordcount-{0}}}"
_HITS = "{{documentdb-formattablehybridsearchquery-hitcountsarray-{0}}}"
_FILTER = "{documentdb-formattableorderbyquery-filter}"
_NO_VECTOR = "1.79769e+308"


def plan_of(query: Query, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Raises `CosmosError` 400 for what cannot be ranked by."""
    parts, weights = _parts(query.rank)
    if query.root is None or query.sources:
        raise bad_request("What is ranked are the items of the container.")
    texts = [part for part in parts if part.name == "FULLTEXTSCORE"]
    scores = [_score(part, index) for index, part in enumerate(parts)]
    skip, take = _number(query.offset, parameters), _number(query.top or query.limit, parameters)
    components = [
        _component(query, scores, at, parts[at], weights, max(FEWEST, (skip or 0) + (take or 0)))
        for at in range(len(parts))
    ]
    return {
        "partitionedQueryExecutionInfoVersion": 2,
        "hybridSearchQueryInfo": {
            "globalStatisticsQuery": _statistics(query.root, texts),
            "componentQueryInfos": components,
            "componentWithoutPayloadQueryInfos": [],
            "projectionQueryInfo": None,
            "componentWeights": [abs(weight) for weight in weights],
            "skip": skip,
            "take": take,
            "requiresGlobalStatistics": bool(texts),
        },
        "queryRanges": [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}],
    }


def _parts(rank: Node | None) -> tuple[list[Call], list[float]]:
    """The scoring functions, and their weights, if any are given."""
    calls = list(rank.arguments) if isinstance(rank, Call) and rank.name == "RRF" else [rank]
    last = calls[-1] if calls else None
    weights = [_weight(one) for one in last.items] if isinstance(last, ArrayOf) else []
    calls = calls[:-1] if weights else calls
    parts = [one for one in calls if isinstance(one, Call) and one.name in ("FULLTEXTSCORE", "VECTORDISTANCE")]
    if len(parts) != len(calls) or len(weights) not in (0, len(parts)):
        raise bad_request("ORDER BY RANK takes FullTextScore, VectorDistance, or RRF of these and their weights.")
    return parts, weights


def _weight(node: Node) -> float:
    sign, node = (-1, node.operand) if isinstance(node, Unary) and node.operator == "-" else (1, node)
    if not isinstance(node, Constant) or not isinstance(node.value, int | float):
        raise bad_request("A weight is a number.")
    return float(sign * node.value)


def _number(node: Node | None, parameters: Mapping[str, Any]) -> int | None:
    if node is None:
        return None
    value = parameters.get(node.name) if isinstance(node, Parameter) else getattr(node, "value", None)
    if not isinstance(value, int):
        raise bad_request("TOP, OFFSET and LIMIT take a whole number.")
    return value


def _score(part: Call, index: int) -> str:
    path, *sought = map(written, part.arguments)
    if part.name == "VECTORDISTANCE":
        return f"_VectorScore({', '.join([path, *sought])})"
    return f"_FullTextScore({path}, [{', '.join(sought)}], {_DOCUMENTS}, {_WORDS.format(index)}, {_HITS.format(index)})"


def _component(query: Query, scores: list[str], at: int, part: Call, weights: list[float], top: int) -> dict[str, Any]:
    is_worst_first = bool(weights) and weights[at] < 0
    by_words = part.name == "FULLTEXTSCORE"
    direction = " ASC" if is_worst_first else " DESC" if by_words else ""
    absent: Callable[[str], str] = lambda score: "-1" if score.startswith("_FullText") else f"-{_NO_VECTOR}"  # noqa: E731
    each = ", ".join(f"({score} ?? {absent(score)})" for score in scores)
    payload = f'{{"payload": {payload_of(query)}, "componentScores": [{each}]}}'
    where = f"({written(query.where)} AND ({_FILTER}))" if query.where else f"({_FILTER})"
    text = (
        f'SELECT TOP {top} {query.root}._rid, [{{"item": {scores[at]}}}] AS orderByItems, {payload} AS payload\n'
        f"FROM {query.root}\nWHERE {where}\nORDER BY {scores[at]}{direction}"
    )
    return {
        "distinctType": "None", "top": top, "offset": None, "limit": None,
        "orderBy": ["Ascending" if is_worst_first else "Descending"], "orderByExpressions": [scores[at]],
        "groupByExpressions": [], "groupByAliases": [], "aggregates": [], "groupByAliasToAggregateType": {},
        "rewrittenQuery": text, "hasSelectValue": False, "dCountInfo": None, "hasNonStreamingOrderBy": True,
    }  # fmt: skip


def _statistics(root: str, texts: list[Call]) -> str:
    each = []
    for text in texts:
        path, *sought = map(written, text.arguments)
        hits = ", ".join(f"COUNTIF(FullTextContains({path}, {one}))" for one in sought)
        each.append(f'{{"totalWordCount": SUM(_FullTextWordCount({path})), "hitCounts": [{hits}]}}')
    return f"SELECT COUNT(1) AS documentCount, [{', '.join(each)}] AS fullTextStatistics\nFROM {root}"
