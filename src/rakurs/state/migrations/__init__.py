"""How the tables of `state` came to be as they are."""
