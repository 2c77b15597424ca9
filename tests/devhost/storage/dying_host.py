"""A host to be killed: `python -m tests.devhost.storage.dying_host` takes the host's arguments.

A message that it holds comes again a second after its end, instead of a minute.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from devhost.storage import holding

if __name__ == "__main__":
    holding.LEASE = timedelta(seconds=1)
    from devhost.cli import main  # only now: what it imports takes the lease over

    sys.exit(main())
