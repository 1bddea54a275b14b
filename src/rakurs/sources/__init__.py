"""Connectors: foreign records described as canonical ones; the only place that knows a vendor."""
