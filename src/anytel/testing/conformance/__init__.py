"""The conformance kit: what any backend runs to show what it does with every signal.

Subclass `BackendConformance` in a test module; see ``docs/write-a-backend.md``. `compare` is the same definition of
"the same" for any two places.
"""

import pytest

pytest.register_assert_rewrite("anytel.testing.conformance.areas")

from anytel.testing.conformance.areas.accounts import Accounts  # noqa: E402 -- rewriting comes first, here and below
from anytel.testing.conformance.areas.claims import Claims, record_everything  # noqa: E402
from anytel.testing.conformance.areas.errors import Errors  # noqa: E402
from anytel.testing.conformance.areas.fork import Fork  # noqa: E402
from anytel.testing.conformance.areas.isolation import Isolation  # noqa: E402
from anytel.testing.conformance.areas.lifecycle import Lifecycle  # noqa: E402
from anytel.testing.conformance.areas.logs import Logs  # noqa: E402
from anytel.testing.conformance.areas.metrics import Metrics  # noqa: E402
from anytel.testing.conformance.areas.naming import NAMES, Naming  # noqa: E402
from anytel.testing.conformance.areas.privacy import Privacy  # noqa: E402
from anytel.testing.conformance.areas.program import Programs  # noqa: E402
from anytel.testing.conformance.areas.propagation import Propagation  # noqa: E402
from anytel.testing.conformance.areas.safety import Safety  # noqa: E402
from anytel.testing.conformance.areas.spans import Spans  # noqa: E402
from anytel.testing.conformance.claims import FEATURES, Claim, Fidelity, approximate, exact, unsupported  # noqa: E402
from anytel.testing.conformance.comparator import Difference, compare, measure  # noqa: E402
from anytel.testing.conformance.observed import (  # noqa: E402
    Ids,
    Measured,
    Observed,
    ObservedError,
    ObservedEvent,
    ObservedLink,
    ObservedLog,
    ObservedSpan,
    Raised,
    functions_in,
)
from anytel.testing.conformance.programs import METRICS, Program, programs, run  # noqa: E402
from anytel.testing.conformance.reference import Reference, observed  # noqa: E402
from anytel.testing.conformance.table import table  # noqa: E402

__all__ = [
    "FEATURES",
    "METRICS",
    "NAMES",
    "BackendConformance",
    "Claim",
    "Difference",
    "Fidelity",
    "Ids",
    "Measured",
    "Observed",
    "ObservedError",
    "ObservedEvent",
    "ObservedLink",
    "ObservedLog",
    "ObservedSpan",
    "Program",
    "Raised",
    "Reference",
    "approximate",
    "compare",
    "exact",
    "functions_in",
    "measure",
    "observed",
    "programs",
    "record_everything",
    "run",
    "table",
    "unsupported",
]


class BackendConformance(
    Lifecycle,
    Safety,
    Isolation,
    Accounts,
    Metrics,
    Naming,
    Spans,
    Propagation,
    Logs,
    Errors,
    Privacy,
    Fork,
    Claims,
    Programs,
):
    """All tests, for one backend. Subclass it as ``TestMyBackend`` and override what `Kit` says.

    *make* gives the adapter, over its vendor's real SDK, pointed at a wire; *read* gives what has arrived there. The
    receivers are best run by a fixture named ``wire``.
    """
