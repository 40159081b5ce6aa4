"""Benchmarks: each a module with `figures()`, run with `python -m bench.<name>`."""
