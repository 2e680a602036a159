"""Lakewright turns a folder of plain files in Git into a governed data lakehouse."""
