"""`python -m core`: the command line. See `core.cli.main`."""

from core.cli.main import main

if __name__ == "__main__":
    main()
