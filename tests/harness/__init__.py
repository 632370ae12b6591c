"""What tests and benchmarks share: the programs as processes, and the kernel as their peer."""
