"""What happens while a run runs: the recorder, its series, ledger and sinks, and the outcome that seals its end."""
