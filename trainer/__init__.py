"""Staged training of multi-frame super-resolution: alignment alone, frozen, then fusion and the head."""
