"""The plots of sweeps and benchmarks: scripts for gnuplot, made from their JSON."""
