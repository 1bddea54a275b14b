"""The vocabulary every other folder speaks: units, money, periods, intervals, errors, contracts."""
