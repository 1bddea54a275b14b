"""The browser face, derived from the catalogues."""
