"""What others may see of the work: metrics, traces, lineage events.

It reads the journal and the lake, decides nothing, changes no table, and never fails a run.
"""
