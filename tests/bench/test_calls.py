"""What the stub's log says about calls made, their times, and those made again."""

from bench.calls import Call, parse_calls, run_again, turn_times

LOG = """1.000000 start a
1.500000 start b
2.000000 end a
3.000000 start b
4.000000 end b
"""


def test_a_call_without_its_end_is_one_that_the_kill_cut_off() -> None:
    assert parse_calls(LOG) == [Call("a", 1.0, 2.0), Call("b", 1.5, None), Call("b", 3.0, 4.0)]


def test_only_what_had_ended_before_the_kill_counts_as_run_again() -> None:
    before = [Call("a", 1.0, 2.0), Call("b", 1.5, None)]
    after = [Call("a", 5.0, 6.0), Call("b", 5.0, 6.0), Call("c", 5.0, 6.0)]
    assert run_again(before, after) == ["a"]


def test_turn_times_compare_the_20th_with_the_last() -> None:
    starts = [float(turn) for turn in range(40)] + [40 + 2.0 * turn for turn in range(1, 61)]
    calls = [Call(str(turn), start, start) for turn, start in enumerate(starts)]
    assert turn_times(calls) == (1_000, 2_000)
