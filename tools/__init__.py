"""Developer tooling: what `make` runs on a laptop. May import anything public; nothing of the product imports it.

`setup` and `weights` use the standard library alone, because they run before anything is installed.
"""
