"""`python -m tests.telemetry`: a collector that writes the trace of each execution that has ended, as a tree."""

from __future__ import annotations

import argparse
import time
from contextlib import suppress

from tests.telemetry.collector import Collector
from tests.telemetry.trees import tree

ENDED = "invoke_workflow "


def show(collector: Collector, shown: set[str]) -> None:
    """The traces whose execution has ended, and that are not `shown` yet."""
    spans = list(collector.spans)
    for trace in dict.fromkeys(span.trace for span in spans if span.name.startswith(ENDED)):
        if trace not in shown:
            shown.add(trace)
            lines = tree([span for span in spans if span.trace == trace])
            print(f"trace {trace}", *(f"  {line}" for line in lines), sep="\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.telemetry")
    parser.add_argument("--port", type=int, default=4318, help="0: any that is free")
    shown: set[str] = set()
    with suppress(KeyboardInterrupt), Collector(parser.parse_args().port) as collector:
        print(f"READY {collector.endpoint}", flush=True)
        while True:
            time.sleep(0.5)
            show(collector, shown)


if __name__ == "__main__":
    main()
