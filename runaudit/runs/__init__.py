"""Which runs a user means, and the list of them."""
