"""Events as the page gets them."""

from __future__ import annotations

import json

from devhost.page.shortening import short_event


def test_a_short_event_goes_out_as_it_is_stored() -> None:
    text = '{"EventType": 5,  "Result": "1.50"}'
    assert short_event(text) is text


def test_a_long_event_tells_what_was_cut() -> None:
    event = {"EventType": 5, "TaskScheduledId": 3, "Result": "x" * 50_000, "Reason": None}
    short = json.loads(short_event(json.dumps(event)))
    assert short == event | {"Result": "x" * 1000, "Cut": {"Result": 50_000}}


def test_of_a_long_message_the_rest_stays_readable() -> None:
    request = {"op": "add", "id": "r1", "input": "x" * 50_000}
    short = json.loads(short_event(json.dumps({"EventType": 14, "Input": json.dumps(request)})))
    assert json.loads(short["Input"]) == request | {"input": "x" * 1000}
    assert short["Cut"] == {"Input": len(json.dumps(request))}


def test_no_field_stays_long_whatever_it_holds() -> None:
    many = json.dumps({f"k{number}": number for number in range(5_000)})
    short = json.loads(short_event(json.dumps({"EventType": 0, "Input": many, "Name": "{" * 9_000})))
    assert len(short["Input"]) == len(short["Name"]) == 1000
