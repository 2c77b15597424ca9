"""Servers of the Model Context Protocol: those the deployment declares, what they offer, calls of their tools.

Belongs here: sessions, what an answer means, what a definition made of a server's tool says. Nothing a server says is
trusted: its descriptions are pinned when a tool is imported, its answers are bounded data, and what it asks of us is
refused.
"""
