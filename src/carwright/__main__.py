"""``python -m carwright`` is the command line."""

from carwright.cli import main

if __name__ == "__main__":
    main()
