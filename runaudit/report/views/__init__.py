"""Frozen view-models: everything a page says, already in words and numbers, ready to print. Pure functions make them."""
