"""Microsoft's Agent Framework: agents on durable entities, alone and in orchestrations, and workflows."""

import azure.functions as func
from agent_framework import Agent, Executor, WorkflowBuilder, WorkflowContext, executor, handler, response_handler
from agent_framework.openai import OpenAIChatCompletionClient
from agent_framework_azurefunctions import AgentFunctionApp

client = OpenAIChatCompletionClient()


def temperature(city: str) -> str:
    """The temperature in a city."""
    return f"21 degrees in {city}"


optimist = Agent(client, "You are the optimist.", name="optimist")
sceptic = Agent(client, "You are the sceptic.", name="sceptic", tools=[temperature])


class Gate(Executor):
    """Lets through what a human allows."""

    @handler
    async def ask(self, text: str, context: WorkflowContext) -> None:
        await context.request_info(request_data=text, response_type=bool)

    @response_handler
    async def answered(self, text: str, allowed: bool, context: WorkflowContext[str]) -> None:
        await context.send_message(text if allowed else "nothing")


@executor(id="shout")
async def shout(text: str, context: WorkflowContext[None, str]) -> None:
    await context.yield_output(text.upper())


gate = Gate(id="gate")
app = AgentFunctionApp(
    agents=[optimist, sceptic],
    workflow=WorkflowBuilder(name="loud", start_executor=gate).add_edge(gate, shout).build(),
    http_auth_level=func.AuthLevel.ANONYMOUS,
    max_poll_retries=600,
    poll_interval_seconds=0.05,
)


@app.orchestration_trigger(context_name="context")
def chain(context):
    """The sceptic answers twice in one session."""
    agent = app.get_agent(context, "sceptic")
    session = agent.create_session()
    first = yield agent.run(context.get_input(), session=session)
    second = yield agent.run(first.text, session=session)
    return [first.text, second.text]


@app.orchestration_trigger(context_name="context")
def both(context):
    """Both agents at once, while a third is told something that nobody waits for."""
    told = app.get_agent(context, "optimist")
    told.run("by the way", session=told.create_session(), options={"wait_for_response": False})
    agents = [app.get_agent(context, name) for name in ("optimist", "sceptic")]
    answers = yield context.task_all(
        [agent.run(context.get_input(), session=agent.create_session()) for agent in agents]
    )
    return [answer.text for answer in answers]
