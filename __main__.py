"""`python -m emosplat` is the `emosplat` command."""

from .cli import main

if __name__ == "__main__":
    main()
