"""Answers on paper and as pictures: the page's own charts, set in type by Typst."""
