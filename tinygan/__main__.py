"""`python -m tinygan` is the command `tinygan`."""

import sys

from .cli import main

sys.exit(main())
