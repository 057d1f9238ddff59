"""What other trackers wrote, read with their own readers, as our trajectories."""
