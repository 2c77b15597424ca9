"""The public samples that `tests.compat.samples` runs: where each is, how it is started and how it must end.

Written from reading the samples; nothing of them is here but the names and values a caller meets.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ANY = ...
"""Stands for whatever is there, in an expected output."""

SDK = "azure-functions-durable-python@e7cb43d"
SDK_LATER = "azure-functions-durable-python@393b706"
SCHEDULER = "Durable-Task-Scheduler@c17a179"
SCHEDULER_EARLIER = "Durable-Task-Scheduler@97efdd7"
SCHEDULER_PAYLOAD = "Durable-Task-Scheduler@578da2b"
ORDERS = "durable-functions-order-processing-python@04f2de4"
QUICKSTART = "durable-functions-quickstart-python-azd@d402727"
WORKER = "azure-functions-python-worker@7e6acf3"


@dataclass(frozen=True)
class Request:
    """A request of a sample's user. `{id}` in the path or the body is the orchestration's instance id."""

    method: str
    path: str
    body: object = None


@dataclass(frozen=True)
class Start:
    """One orchestration of a sample: the request that starts it, what is sent to it then, and how it ends.

    `when` is a custom status to wait for before `then` is sent.
    """

    request: Request
    output: object
    status: str = "Completed"
    when: object = ANY
    then: tuple[Request, ...] = ()


@dataclass(frozen=True)
class Ask:
    """A request that is answered at once, and the answer's JSON."""

    request: Request
    answer: object


@dataclass(frozen=True)
class Sample:
    """One app, at `path` of `checkout`, and what is done with it.

    With `refused` the host must refuse to start it, in these words; `unserved` are functions that it may leave out.
    `files` are put into the folder that `{folder}` in a request's body names. `needs` says in words what must be there
    beside our own packages.
    """

    checkout: str
    path: str
    steps: tuple[Start | Ask, ...] = ()
    refused: str = ""
    unserved: frozenset[str] = frozenset()
    settings: dict[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    host_json: str = ""
    needs: str = ""

    @property
    def name(self) -> str:
        return f"{self.checkout}/{self.path}"


GREETINGS = ["Hello Tokyo!", "Hello Seattle!", "Hello London!"]


def post(path: str, body: object = None) -> Request:
    return Request("POST", path, body)


def get(path: str) -> Request:
    return Request("GET", path)


_PATTERNS = "samples/durable-functions/python"
_PHASES = ["initializing", "processing", "validating", "finalizing"]
_CAUGHT = "Caught exception: Activity function 'raise_exception' failed:  CustomException: This activity failed"

SAMPLES = (
    Sample(
        SDK,
        "samples-v2/blueprint",
        (
            Start(get("/api/startOrchestrator"), GREETINGS),
            Ask(get("/api/HttpTrigger?name=Ann"), "Hello, Ann. This HTTP triggered function executed successfully."),
        ),
    ),
    # Its host.json is two objects one after the other, which the durable SDK itself cannot read, here and on Azure.
    Sample(SDK, "samples-v2/function_chaining", refused="host.json is not strict JSON"),
    Sample(
        SDK,
        "samples-v2/fan_in_fan_out",
        (Start(post("/api/orchestrators/E2_BackupSiteContent", "{folder}"), 2),),
        files=("E2_One/__init__.py", "E2_Two/function.json", "three/__init__.py"),
        needs="blob storage (Azurite), azure-storage-blob",
    ),
    Sample(
        SDK_LATER,
        "test/e2e/Apps/BasicPython",
        (
            Start(get("/api/HelloCities_HttpStart"), GREETINGS),
            Start(
                get("/api/HelloCities_HttpStart_Scheduled?ScheduledStartTime=2020-01-01T00:00:00%2B00:00"), GREETINGS
            ),
            Start(get("/api/HelloCities_HttpStart_Scheduled?ScheduledStartTime={soon}"), GREETINGS),
            Start(get("/api/RethrowActivityException_HttpStart"), ANY, status="Failed"),
            Start(get("/api/CatchActivityException_HttpStart"), ANY),
            Start(get("/api/CatchActivityExceptionFailureDetails_HttpStart"), ANY),
            Start(get("/api/RetryActivityException_HttpStart"), "Success"),
            Start(get("/api/CustomRetryActivityException_HttpStart"), "Success"),
        ),
    ),
    Sample(
        SCHEDULER,
        f"{_PATTERNS}/hello-cities",
        (
            Start(post("/api/StartChaining"), GREETINGS),
            Start(post("/api/StartFanOutFanIn"), [*GREETINGS, "Hello Paris!", "Hello Berlin!"]),
        ),
    ),
    # Its decorators end up on another function than they are written on; Azure's worker refuses it in the same words.
    Sample(SCHEDULER, f"{_PATTERNS}/fan-out-fan-in", refused="the parameters 'client' have no binding"),
    Sample(
        SCHEDULER,
        f"{_PATTERNS}/work-item-filtering",
        (
            Start(post("/api/orchestrators/greeting"), "Hello, World!"),
            Start(post("/api/orchestrators/fanout"), ["Hello, Tokyo!", "Hello, London!", "Hello, Seattle!"]),
            Start(post("/api/orchestrators/parent"), "Parent received: Hello, World!"),
            Start(post("/api/orchestrators/counter"), 30),
            Start(post("/api/start/greeting_orchestration"), "Hello, World!"),
        ),
    ),
    Sample(
        SCHEDULER,
        f"{_PATTERNS}/work-item-filtering-app-b",
        (
            Start(post("/api/orchestrators/orders"), "Shipped order-42 from App B"),
            Start(post("/api/start/orders_orchestration"), ANY),
        ),
    ),
    Sample(
        SCHEDULER,
        f"{_PATTERNS}/agent-directed-workflows",
        (
            Ask(post("/api/chat/ann", {"message": "hello you"}), {"message": "Echo: hello you "}),
            Ask(post("/api/chat/ann", {"message": "again"}), {"message": "Echo: again "}),
            Ask(get("/api/chat/ann/history"), ANY),
        ),
        needs="Redis, and its package",
    ),
    Sample(
        SCHEDULER,
        f"{_PATTERNS}/pdf-summarizer",
        unserved=frozenset({"blob_trigger", "summarize_text"}),
        settings={"STORAGE_ACCOUNT_NAME": "devstoreaccount1"},
        needs="Azure AI services, and the package azure-ai-formrecognizer; without them it is loaded and no more",
    ),
    Sample(
        SCHEDULER_EARLIER,
        f"{_PATTERNS}/async-http-api",
        (
            Start(
                post("/api/async_http_api", {"duration": 1}),
                {
                    "operation_type": "data_processing",
                    "status": "completed",
                    "output_data": {"phases_completed": _PHASES},
                },
            ),
            Start(
                post("/api/async_http_api", {"duration": 2}),
                "Operation cancelled by user request",
                status="Terminated",
                then=(get("/api/status/{id}"), post("/api/cancel/{id}")),
            ),
        ),
    ),
    Sample(
        SCHEDULER_EARLIER,
        f"{_PATTERNS}/eternal-orchestrations",
        (
            Start(
                post(
                    "/api/eternal_orchestration", {"task_type": "cleanup", "interval_minutes": 0, "max_iterations": 3}
                ),
                {"status": "completed", "total_iterations": 3, "final_result": {"iteration": 3, "success": True}},
            ),
            Start(
                post("/api/eternal_orchestration", {"task_type": "other", "interval_minutes": 0.02}),
                "Stopped by user request",
                status="Terminated",
                then=(get("/api/status/{id}"), post("/api/stop/{id}")),
            ),
        ),
        needs="requests",
    ),
    Sample(
        SCHEDULER_EARLIER,
        f"{_PATTERNS}/human-interaction",
        (
            Start(
                post("/api/human_interaction", {"amount": 10}),
                {"status": "approved", "amount": 10},
                when={"status": "waiting_for_approval"},
                then=(get("/api/status/{id}"), post("/api/approve/{id}", {"approved": True, "comments": "fine"})),
            ),
            Start(
                post("/api/human_interaction", {"amount": 11}),
                {"status": "rejected", "amount": 11},
                when={"status": "waiting_for_approval"},
                then=(post("/api/approve/{id}", {"approved": False}),),
            ),
        ),
    ),
    Sample(
        SCHEDULER_EARLIER,
        f"{_PATTERNS}/monitoring",
        (
            Start(
                post("/api/start_monitoring_job", {"job_id": "j", "polling_interval_seconds": 0.2}),
                {"job_id": "j", "final_status": "Completed", "checks_performed": 4},
            ),
            Start(
                post("/api/start_monitoring_job", {"polling_interval_seconds": 0.2, "timeout_seconds": 0}),
                {"final_status": "Timeout", "checks_performed": 1},
            ),
        ),
    ),
    Sample(
        SCHEDULER_PAYLOAD,
        f"{_PATTERNS}/large-payload",
        (
            Start(
                post("/api/startlargepayload", {"activity_count": 8, "payload_size_kb": 2000}),
                {"items_processed": 8, "total_size_kb": 16000},
            ),
        ),
    ),
    Sample(ORDERS, "order_processor", (Start(post("/api/orchestrators/process_orchestrator"), {"success": True}),)),
    Sample(
        QUICKSTART,
        "src",
        (Start(get("/api/orchestrators/fetch_orchestration"), ANY),),
        needs="the internet (without it the result is four errors, as the sample means it)",
    ),
    Sample(
        WORKER,
        "tests/endtoend/durable_functions/durable_functions_stein",
        (Start(get("/api/orchestrators/DurableFunctionsOrchestrator"), GREETINGS),),
        host_json='{"version": "2.0"}',
        needs="the host.json that the worker's own tests put there",
    ),
)
