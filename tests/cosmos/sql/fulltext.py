"""Full-text search: what counts as a word, and how well a text fits several.

Cosmos DB folds case, stems, and leaves English stop words out; how, is not published:
https://learn.microsoft.com/azure/cosmos-db/gen-ai/full-text-search. The stemming here is a rough one, the stop words
are some of the published list, and BM25 has its usual constants.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from tests.cosmos.sql.values import UNDEFINED, Value

K1, B = 1.2, 0.75
_STOP_WORDS = frozenset(
    """
    a about after all also an and any are as at be because been but by can could did do does for from get had has have
    he her here his how i if in into is it its like may me more most much my new no not now of off old on once one only
    or other our out over own said she should so some such than that the their them then there these they this those
    three to too two under until up us use used very was we well were what when where which while who why will with
    would yes you your 0 1 2 3 4 5 6 7 8 9
    """.split()  # noqa: SIM905
)
_ENDINGS = ("ing", "ed", "ly", "e")


@lru_cache(maxsize=50_000)
def words_of(text: str) -> tuple[str, ...]:
    """What is indexed of a text, in its order."""
    return tuple(_stem(word) for word in re.findall(r"\w+", text.lower()) if word not in _STOP_WORDS)


def _stem(word: str) -> str:
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        word = word[:-1]
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2:
            return stem
    return word


def contains(text: Value, sought: Value) -> Value:
    """Whether the words of `sought` stand in the text, one after the other."""
    if not isinstance(text, str) or not isinstance(sought, str):
        return UNDEFINED
    return _count(words_of(text), words_of(sought)) > 0


def contains_all(text: Value, *sought: Value) -> Value:
    return _decided([contains(text, one) for one in sought], all)


def contains_any(text: Value, *sought: Value) -> Value:
    return _decided([contains(text, one) for one in sought], any)


def _decided(found: list[Value], decide: object) -> Value:
    if any(one is UNDEFINED for one in found):
        return UNDEFINED
    return decide(found)  # type: ignore[operator]


def _count(words: Sequence[str], phrase: Sequence[str]) -> int:
    length = len(phrase)
    if length < 2:
        return words.count(phrase[0]) if phrase else 0
    return sum(words[at : at + length] == phrase for at in range(len(words) - length + 1))


def word_count(text: Value) -> Value:
    return len(words_of(text)) if isinstance(text, str) else UNDEFINED


def score(text: Value, sought: Value, documents: Value, all_words: Value, hits: Value) -> Value:
    """BM25, by statistics that the client has gathered from every range of partitions."""
    if not isinstance(text, str) or not isinstance(sought, list) or not documents:
        return UNDEFINED
    words = words_of(text)
    length = len(words) / (max(all_words, 1) / documents)
    found = 0.0
    for term, with_it in zip(sought, hits, strict=True):
        count = _count(words, words_of(term))
        rarity = math.log(1 + (documents - with_it + 0.5) / (with_it + 0.5))
        found += rarity * count * (K1 + 1) / (count + K1 * (1 - B + B * length))
    return found
