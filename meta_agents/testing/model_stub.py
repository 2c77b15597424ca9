"""The model stub as a program: `python -m meta_agents.testing.model_stub --port 0 --latency 0.05`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from meta_agents.testing.server import Stub
from meta_agents.testing.stub import listen, server_for


def main() -> int:
    parser = argparse.ArgumentParser(description="Serve the model stub on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--log", type=Path, help="a file to write requests to")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer")
    options = parser.parse_args()
    stub = Stub(options.log, options.latency)
    with listen(options.port) as listener:
        print(f"model stub ready: http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
        asyncio.run(server_for(stub).serve(sockets=[listener]))
    stub.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
