"""Timer functions. Each puts what it saw into a queue that a test reads through HTTP."""

import asyncio
import json

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
seen = asyncio.Queue()


@app.route(route="seen")
async def next_seen(req: func.HttpRequest):
    return json.dumps(await seen.get())


@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer")
async def yearly(timer: func.TimerRequest) -> None:
    seen.put_nowait({"past_due": timer.past_due, "schedule": timer.schedule, "status": timer.schedule_status})


@app.timer_trigger(schedule="%HOW_OFTEN%", arg_name="timer", run_on_startup=True, use_monitor=False)
async def starting(timer: str) -> None:
    seen.put_nowait(json.loads(timer))


@app.timer_trigger(schedule="1.00:00:00", arg_name="timer")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
async def failing(timer: func.TimerRequest, context: func.Context) -> None:
    retry = context.retry_context
    message = retry.exception.message if retry.exception else None
    seen.put_nowait([retry.retry_count, retry.max_retry_count, message])
    raise ValueError(f"attempt {retry.retry_count}")


@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer")
@app.durable_client_input(client_name="client")
async def orchestrating(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    seen.put_nowait(await client.start_new("nothing", "by-timer"))


@app.orchestration_trigger(context_name="context")
def nothing(context: df.DurableOrchestrationContext):
    return "done"


@app.route(route="failing")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
def failing_http(req: func.HttpRequest, context: func.Context):
    seen.put_nowait([context.retry_context.retry_count, context.retry_context.max_retry_count])
    raise ValueError("no retries for HTTP")


@app.timer_trigger(schedule="every now and then", arg_name="timer")
def unreadable(timer: func.TimerRequest) -> None: ...
