"""Tests of the `meta-agents` command line."""
