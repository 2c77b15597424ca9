"""The synchronous client, made of the asynchronous one by `python -m tools.unasync`: change that one.

Belongs here: what was made. Does not belong here: anything that was written.
"""
