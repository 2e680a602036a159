"""The permitted functions, one module for each topic, and the list of refused ones."""
