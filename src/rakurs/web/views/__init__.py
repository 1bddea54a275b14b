"""One module per part of the menu."""
