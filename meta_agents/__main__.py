"""`python -m meta_agents` is the `meta-agents` command."""

from meta_agents.cli import main

main()
