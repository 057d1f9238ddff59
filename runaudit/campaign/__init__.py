"""Many launches by one command: arms x seeds, each job a guarded, sealed and observed run like any other."""
