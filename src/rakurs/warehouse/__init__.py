"""The only place that opens an analytical database."""
