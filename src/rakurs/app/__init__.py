"""Use cases: load, answer, explain, export. The pure meets I/O here and nowhere else.

`workspace.Workspace` is the one object the faces hold; every call says on whose behalf it is made.
"""
