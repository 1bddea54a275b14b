"""Words and pictures inside templates."""
