"""The page at `/devhost`: what a developer looks at while an app runs here.

Belongs here: its files, and the read-only JSON it polls. Does not belong here: changing anything, which the page does
through the durable HTTP API and `/admin` like everybody else.
"""
