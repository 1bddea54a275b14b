"""How fast, and how right, are our answers beside hand-written SQL and polars on the same tables?"""
