"""Every kind of durable work, each call under a key of its own: for what kills do to it.

An activity leaves one line in the file EFFECTS for each time it runs and returns that line's number for its key, so
that the orchestration's output says which of its runs counted.
"""

import json
import os
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
EFFECTS = Path(os.environ["EFFECTS"])
STUB = os.environ["STUB"]
NAP = timedelta(milliseconds=10)
BOOK = df.EntityId("book", "shared")
DIARY = df.EntityId("book", "diary")


def note(key: str) -> int:
    """Append a line in one write, which a kill does not halve; how many lines of this key there are now."""
    descriptor = os.open(EFFECTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{key}\n".encode())
    os.close(descriptor)
    return EFFECTS.read_text().split("\n").count(key)


@app.activity_trigger(input_name="key")
def work(key: str) -> dict:
    return {key: note(key)}


@app.activity_trigger(input_name="key")
async def quick(key: str) -> dict:
    return {key: note(key)}


@app.activity_trigger(input_name="key")
def flaky(key: str) -> dict:
    """Fails the first two times."""
    times = note(key)
    if times <= 2:
        raise OSError(f"not yet: {times}")
    return {key: times}


@app.activity_trigger(input_name="key")
def hopeless(key: str) -> dict:
    raise OSError(f"never: {note(key)}")


@app.entity_trigger(context_name="context")
def book(context: df.DurableEntityContext):
    """A list that is added to."""
    lines = context.get_state(list)
    if context.operation_name == "add":
        lines.append(context.get_input())
        context.set_state(lines)
    context.set_result(len(lines))


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    done = {}
    prefix = context.get_input() or context.instance_id
    for number in range(4):
        context.set_custom_status(number)
        done |= yield context.call_activity("work", f"{prefix}-{number}")
    return done


@app.orchestration_trigger(context_name="context")
def fan_out(context: df.DurableOrchestrationContext):
    names = ["work", "quick"] * 5
    calls = [context.call_activity(name, f"fan_out-{number}") for number, name in enumerate(names)]
    done = yield context.task_all(calls)
    return {key: times for one in done for key, times in one.items()}


@app.orchestration_trigger(context_name="context")
def naps(context: df.DurableOrchestrationContext):
    """Sleeps, and wakes up late or in time, but never early."""
    early = []
    for _ in range(4):
        due = context.current_utc_datetime + NAP
        yield context.create_timer(due)
        early.append(context.current_utc_datetime < due)
    return early


@app.orchestration_trigger(context_name="context")
def race(context: df.DurableOrchestrationContext):
    timeout = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    task = context.call_activity("work", "race")
    winner = yield context.task_any([task, timeout])
    timeout.cancel()
    return winner.result


@app.orchestration_trigger(context_name="context")
def listens(context: df.DurableOrchestrationContext):
    """What it was told until the end."""
    heard = []
    while (word := (yield context.wait_for_external_event("word"))) != "end":
        heard.append(word)
    return heard


@app.orchestration_trigger(context_name="context")
def writes(context: df.DurableOrchestrationContext):
    """Adds to the book by signals and by calls; the calls' answers are how long the book is."""
    lengths = []
    for number in range(4):
        context.signal_entity(BOOK, "add", f"signal-{number}")
        lengths.append((yield context.call_entity(BOOK, "add", f"call-{number}")))
    return lengths == sorted(set(lengths))


@app.orchestration_trigger(context_name="context")
def family(context: df.DurableOrchestrationContext):
    children = [context.call_sub_orchestrator("chain", f"child-{number}") for number in range(2)]
    named = context.call_sub_orchestrator("chain", "child-named", instance_id="named-child")
    done = yield context.task_all([*children, named])
    return {key: times for one in done for key, times in one.items()}


@app.orchestration_trigger(context_name="context")
def generations(context: df.DurableOrchestrationContext):
    done = context.get_input() or {}
    number = len(done)
    done |= yield context.call_activity("work", f"generations-{number}")
    yield context.call_entity(DIARY, "add", f"generation-{number}")
    if number < 4:
        context.continue_as_new(done)
        return None
    return done


@app.orchestration_trigger(context_name="context")
def stubborn(context: df.DurableOrchestrationContext):
    """Retries that succeed in the end, as an activity and as a sub-orchestration, and retries that do not."""
    options = df.RetryOptions(5, 3)
    done = yield context.call_activity_with_retry("flaky", options, "stubborn")
    done |= yield context.call_sub_orchestrator_with_retry("tries", options, "stubborn-child")
    try:
        yield context.call_activity_with_retry("hopeless", options, "hopeless")
    except Exception as error:
        return done | {"given up": "never" in str(error)}


@app.orchestration_trigger(context_name="context")
def tries(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("flaky", context.get_input()))


@app.orchestration_trigger(context_name="context")
def calls(context: df.DurableOrchestrationContext):
    """One answer that comes at once and one that has to be polled for."""
    done = {}
    for path in ("now", "later"):
        answer = yield context.call_http("GET", f"{STUB}/{path}")
        done |= json.loads(answer["content"])
    return done


@app.orchestration_trigger(context_name="context")
def patient(context: df.DurableOrchestrationContext):
    word = yield context.wait_for_external_event("go")
    return {"word": word} | (yield context.call_activity("work", "patient"))


@app.route("begin/{name}")
@app.durable_client_input(client_name="client")
async def begin(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    name = req.route_params["name"]
    return client.create_check_status_response(req, await client.start_new(name, name))
