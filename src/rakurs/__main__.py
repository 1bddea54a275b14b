"""`python -m rakurs` is the command `rakurs`."""

from rakurs.cli import main

if __name__ == "__main__":
    main()
