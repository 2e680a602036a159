"""The engine on Apache Spark: the same steps as on one machine, on as many as Spark has."""
