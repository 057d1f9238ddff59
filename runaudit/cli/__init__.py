"""The command line: thin files that load, judge, view, render and exit. What a command computes lives in its room."""
