"""`python -m rea_lint` is `rea-lint`."""

from rea_lint.cli import main

if __name__ == "__main__":
    main()
