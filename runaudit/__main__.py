"""`python -m runaudit` is the same as `runaudit`."""

from runaudit.cli.start import main

if __name__ == "__main__":
    main()
