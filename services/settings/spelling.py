"""Variables that look as if one of ours was meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from services.settings.environment import FAMILIES
from services.settings.others import OTHERS

_ALIKE = 0.85
"""Of `difflib`: a letter left out, doubled or exchanged is above this."""


def misspelt(environment: Mapping[str, str], ours: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each name that begins like ours and that nobody reads, with the nearest that is read. Others' are left alone."""
    known = {name.upper(): name for name in {*ours, *(other.name for other in OTHERS)} - FAMILIES.keys()}
    beginnings = tuple({_beginning(name) for name in ours})
    for name in sorted(set(environment) - set(known.values())):
        # Parts of a connection (`X__serviceUri`) are the host's to know.
        if name.upper().startswith(beginnings) and "__" not in name and not _of_a_family(name):
            for nearest in get_close_matches(name.upper(), known, 1, _ALIKE):
                yield name, known[nearest]


def _beginning(name: str) -> str:
    """So short that most mistakes are after it; AZURE_ alone is how many others begin."""
    return name.upper()[: 8 if name.startswith("AZURE_") else 3]


def _of_a_family(name: str) -> bool:
    return any(family({name: "x"}) for family in FAMILIES.values())
