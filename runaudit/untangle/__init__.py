"""Which of several changes moved a metric: runs of hybrids of two runs, and what they do and do not tell apart."""
