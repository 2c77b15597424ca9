"""Tests mirror the tree: `tests/ROOM/test_MODULE.py`; what they share is in `tests/support`."""
