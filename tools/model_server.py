"""The local model behind an OpenAI-compatible endpoint: `python -m tools.model_server [--port 0] [--model PATH] ...`.

Prints one line, `model ready: http://127.0.0.1:PORT/v1`, when it answers. SIGTERM and SIGINT end it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

import xllamacpp

from tools import weights

PARALLEL = 2


def parameters(model: Path, *, port: int, threads: int, context: int, parallel: int) -> xllamacpp.CommonParams:
    """What llama.cpp is told: `context` tokens in all, shared evenly by `parallel` requests at a time."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {weights.served_name(model)}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = context
    params.n_parallel = parallel
    # Workers spin at barriers, unless OMP_WAIT_POLICY is `passive`: then, on cores shared with anything else, a second
    # thread makes it twenty times slower. `tools.processes` starts us with that set.
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    # Without these, so small a model soon says one sentence for ever. Looking no further back than its own answer
    # matters: a model that may not repeat its prompt's words leaves its subject.
    params.sampling.penalty_repeat = 1.05
    params.sampling.penalty_last_n = 64
    params.sampling.dry_multiplier = 0.8
    params.sampling.dry_penalty_last_n = 100
    params.sampling.dry_allowed_length = 3
    params.use_jinja = True
    params.offline = True
    params.ui = False
    params.verbosity = -1
    return params


def exit_when_orphaned(parent: int) -> None:
    """End this process within a second of its parent's end, however that came: a killed parent can't stop us."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def main() -> int:
    parser = argparse.ArgumentParser(description="Serve a GGUF model as an OpenAI-compatible endpoint on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--model", type=Path, help="a GGUF file; default: MODEL_GGUF, else the one from `make setup`")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--ctx", type=int, default=weights.WINDOW * PARALLEL, help="tokens of context, divided by --parallel"
    )
    parser.add_argument("--parallel", type=int, default=PARALLEL, help="requests answered at a time")
    parser.add_argument("--with-parent", type=int, metavar="PID", help="end when this process, our parent, has ended")
    options = parser.parse_args()
    if options.with_parent is not None:
        exit_when_orphaned(options.with_parent)
    # Held back until they are waited for: a handler could run just before that, and be waited for in vain.
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    try:
        model = options.model or weights.model_path()
    except weights.WeightsError as error:
        return refuse(str(error))
    if not model.is_file():
        return refuse(f"There are no model weights at {model}: `make setup` fetches the default ones.")
    params = parameters(
        model, port=options.port, threads=options.threads, context=options.ctx, parallel=options.parallel
    )
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        return refuse(f"The model server did not start with {model} on port {options.port}: {error}")
    print(f"model ready: {server.listening_address}/v1", flush=True)
    signal.sigwait(ending)
    # Tearing the C++ server down waits for answers in progress; nobody is there to read them.
    os._exit(0)


def refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
