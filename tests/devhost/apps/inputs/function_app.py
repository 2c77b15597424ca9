"""Tells what input an orchestration got."""

import azure.durable_functions as df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def tell(context: df.DurableOrchestrationContext):
    return f"got {context.get_input()}"
