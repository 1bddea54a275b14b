"""Identity: which records are one customer? Keys, links between records, clusters of links; nothing here opens a database."""

from rakurs.identity.clusters import Decision, Link, Person, clustered
from rakurs.identity.keys import keys_sql, needs_parsing_sql, parsed_phones
from rakurs.identity.links import links_sql

__all__ = [
    "Decision",
    "Link",
    "Person",
    "clustered",
    "keys_sql",
    "links_sql",
    "needs_parsing_sql",
    "parsed_phones",
]
