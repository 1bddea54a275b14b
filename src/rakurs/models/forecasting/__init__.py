"""How does a series go on? Ways tried on its own past, days and promotions allowed for, parts that add up to wholes."""
