"""Writes docs/workflow-language.md: `python -m tools.reference`.

The prose is in `workflow-language.md` beside this file; the tables come from the models, the examples from examples/.
"""
