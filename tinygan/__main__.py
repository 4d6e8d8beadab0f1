"""`python -m tinygan` is the command `tinygan`."""

import sys

from .commands.parser import main

sys.exit(main())
