"""Speed, memory and quality, measured. ``python -m benchmarks all`` runs what docs/performance.md shows."""
