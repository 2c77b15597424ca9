"""A Functions + Durable host in one Python process: runs an unmodified Azure Functions app (v2 model).

Belongs here: loading an app, invoking its functions, triggers, bindings, the durable engine, an emulated SignalR.
Does not belong here: anything that knows the app it runs. Nothing here imports the app's packages, nor they this.
"""
