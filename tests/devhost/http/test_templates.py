"""Route templates: what they match, and which of several wins."""

from __future__ import annotations

import pytest

from devhost.http.templates import TemplateError, compile_template


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("", "", {}),
        ("api/hello", "API/Hello", {}),
        ("api/hello", "api/hello/x", None),
        ("api/{name}", "api/Bob", {"name": "Bob"}),
        ("api/{name}", "api", None),
        ("api/{name}", "api/a/b", None),
        ("api/{name?}", "api", {}),
        ("api/{name=all}", "api", {"name": "all"}),
        ("api/{name=all}", "api/one", {"name": "one"}),
        ("api/{*rest}", "api", {}),
        ("api/{*rest}", "api/a/b.c", {"rest": "a/b.c"}),
        ("{*rest}", "", {}),
        ("{*rest}", "a/b", {"rest": "a/b"}),
        ("files/{name}.{ext}", "files/a.tar.gz", {"name": "a.tar", "ext": "gz"}),
        ("v{major}/x", "v2/x", {"major": "2"}),
        ("my-{id}", "my-7", {"id": "7"}),
        ("{user-id}", "7", {"user-id": "7"}),
        ("a.b/{x}", "aXb/1", None),
    ],
)
def test_matching(template: str, path: str, values: dict[str, str] | None) -> None:
    assert compile_template(template).match(path) == values


@pytest.mark.parametrize(
    ("constraint", "accepted", "refused"),
    [
        ("int", "-5", "5000000000"),
        ("long", "5000000000", "x"),
        ("bool", "True", "1"),
        ("datetime", "2026-01-31", "tomorrow"),
        ("int", "+5", "1_000"),
        ("decimal", "1.50", "1e5"),
        ("decimal", "1,000.5", "NaN"),
        ("double", "1e5", "1_0.5"),
        ("float", "-.5", "one"),
        ("guid", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "6f96"),
        ("alpha", "abc", "ab1"),
        ("minlength(3)", "abc", "ab"),
        ("maxlength(3)", "abc", "abcd"),
        ("length(3)", "abc", "ab"),
        ("length(2,3)", "ab", "abcd"),
        ("min(5)", "5", "4"),
        ("max(5)", "5", "6"),
        ("range(2,4)", "3", "5"),
        ("int:min(1)", "1", "0"),
        (r"regex(^\d{{2}}/?$)", "12", "123"),
        ("regex(^(a|b)=c$)", "a=c", "a"),
    ],
)
def test_constraints(constraint: str, accepted: str, refused: str) -> None:
    template = compile_template(f"x/{{p:{constraint}}}")
    assert template.match(f"x/{accepted}") == {"p": accepted}
    assert template.match(f"x/{refused}") is None


def test_an_optional_parameter_is_held_to_its_constraint_only_when_given() -> None:
    template = compile_template("x/{p:int?}")
    assert template.match("x") == {}
    assert template.match("x/5") == {"p": "5"}
    assert template.match("x/five") is None


def test_precedence_is_literal_then_constrained_then_plain_then_catch_all() -> None:
    texts = ["a/{*rest}", "a", "a/{p}", "a/{p:int}", "a/b", "{*rest}", "a/{p}/c", "a/{p?}"]
    ordered = sorted((compile_template(text) for text in texts), key=lambda template: template.precedence)
    assert [template.text for template in ordered] == [
        "a/b",
        "a/{p:int}",
        "a/{p}/c",
        "a/{p}",
        "a/{p?}",
        "a/{*rest}",
        "a",  # Azure tries the longer first, so `a/{p?}` takes what both match
        "{*rest}",
    ]


@pytest.mark.parametrize("text", ["{", "a}", "a/{}", "{p:unknown}", "{p:min}", "{p:int(}", "{a}/{A}", "{p:min(x)}"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        compile_template(text)
