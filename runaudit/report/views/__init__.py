"""Frozen view-models: everything a page says, in words and numbers, ready to print. Pure functions make them."""
