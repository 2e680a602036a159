"""Carry out a plan durably: journal, worker, children, events."""
