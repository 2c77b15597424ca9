"""What the workflows call to package a version, publish it, see whether it is well, and take it back.

Belongs here: small programs, each run as `python -m tools.delivery.NAME`, that ask Azure through its CLI alone.
Does not belong here: anything that a workflow file says better, and anything of the app but its client.
"""
