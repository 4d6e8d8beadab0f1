"""The `tinygan` command: `parser.py` has its entry point, and each command has its own module."""
