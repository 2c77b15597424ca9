"""Our engine against the histories in the durable SDK's own tests; importable beside that package `tests`, too."""
