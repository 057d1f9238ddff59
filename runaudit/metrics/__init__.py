"""What is known of a metric by its name: direction, unit, digits, words."""
