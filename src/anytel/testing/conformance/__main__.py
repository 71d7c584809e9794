"""Write the fidelity table to standard output: ``python -m anytel.testing.conformance > docs/fidelity.md``."""

import sys

from anytel.testing.conformance.table import table

if __name__ == "__main__":
    sys.stdout.write(table(sys.argv[1:] or None))
