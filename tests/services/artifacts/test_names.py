from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.artifacts.names import DEEPEST, LONGEST, folder_of, name_of
from tests.services.artifacts.conformance import NEIGHBOURS

REF = "0" * 64
# Of characters that paths are made of, so that two are often alike.
PARTITIONS = st.text(st.sampled_from("a/.%=@2EF ü\x00"), max_size=12) | st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("partition", "folder"),
    [
        ("acme/executions/01-a_b~c", "acme/executions/01-a_b~c/@"),
        ("", "=/@"),
        ("/", "=/=/@"),
        ("..", "=2E=2E/@"),
        ("a b/é@=%", "a=20b/=C3=A9=40=3D=25/@"),
    ],
)
def test_what_they_look_like(partition: str, folder: str) -> None:
    assert folder_of(partition) == folder


@given(PARTITIONS, PARTITIONS)
def test_no_two_partitions_share_anything(one: str, other: str) -> None:
    if one != other:
        assert not name_of(one, REF).startswith(folder_of(other))


@given(PARTITIONS)
def test_every_tool_takes_them(partition: str) -> None:
    name = name_of(partition, REF)
    assert re.fullmatch(r"[A-Za-z0-9_~=@/-]+", name)
    assert all(name.split("/"))


@pytest.mark.parametrize("partition", ["ü" * LONGEST, "x/" * DEEPEST, "x" * (LONGEST + 1)])
def test_what_is_too_long_is_hashed(partition: str) -> None:
    folders = {folder_of(partition + more) for more in ("", "/", *NEIGHBOURS)}
    assert len(folders) == len({partition + more for more in ("", "/", *NEIGHBOURS)})
    assert max(map(len, folders)) < 100
