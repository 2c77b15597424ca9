"""Tests of the client and the command line, against a small API of their own over real HTTP."""
