"""Execute steps: the port, and one adapter for each engine."""
