"""Calling tools: functions of this deployment, and HTTP.

Belongs here: one attempt at one call. Does not belong here: retries, the ledger, what comes next.
"""
