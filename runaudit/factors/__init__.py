"""What can differ between runs, in the language of experimental design: leaves, their classes, cohorts of seeds."""
