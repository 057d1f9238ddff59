"""From recorded cohorts to a verdict on a metric."""
