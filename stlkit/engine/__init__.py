"""Many jobs: queue, supervising threads, worker processes."""
