"""The nouns of runaudit, frozen, and the one canonical form they are sealed in. Standard library and rfc8785 only."""
