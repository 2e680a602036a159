"""The declarative files of a project: values, loading, and every mistake with its place."""
