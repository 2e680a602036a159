"""Where tables live: object storage, the Iceberg catalog, and the one way to publish."""
