"""`python -m core`: the command line. See `core.cli.main`."""

from core.cli.signals import listen

if __name__ == "__main__":
    listen()  # before the other imports, which take a second in which somebody may press Ctrl-C
    from core.cli.main import main

    main()
