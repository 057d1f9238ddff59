"""Many runs together: what varied, what cannot be told apart, what can, and which runs would tell."""
