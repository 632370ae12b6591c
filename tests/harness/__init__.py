"""Shared by tests and benchmarks: programs run as processes, and the kernel as their peer."""
