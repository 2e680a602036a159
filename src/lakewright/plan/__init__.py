"""What should happen, as a value: typed steps in order, made from project and observed state."""
