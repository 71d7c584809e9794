"""One client of the SDK with all that is rendered for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sentry_sdk.client import BaseClient
from sentry_sdk.transport import Transport
from sentry_sdk.utils import get_before_send_log, get_before_send_metric, get_before_send_span

from anytel.backend import ErrorRecord
from anytel_sentry.delivery import Delivery, Parcel
from anytel_sentry.events import Events, Refused
from anytel_sentry.hooks import guarded
from anytel_sentry.logs import Logs
from anytel_sentry.metrics import Metrics
from anytel_sentry.resource import Resource
from anytel_sentry.sender import sender_for
from anytel_sentry.settings import SpanForm
from anytel_sentry.spans import SpanItems
from anytel_sentry.traces import AsItems, AsTransactions, Traces
from anytel_sentry.transactions import Transactions
from anytel_sentry.waiting import Waiting

__all__ = ["Session"]


class Session:
    """The renderers of every signal and the sender, made for *client* and its *transport*."""

    def __init__(
        self,
        client: BaseClient,
        transport: Transport,
        described: Mapping[str, str],
        form: SpanForm,
        lost: Callable[[int, str], None],
    ) -> None:
        options, resource = client.options, Resource(client, described)
        self.client, self.sender, self.resource = client, sender_for(client, transport), resource
        items = AsItems(SpanItems(resource, guarded(get_before_send_span(options))))
        whole = Transactions(resource, guarded(options["before_send_transaction"]))
        self.traces: Traces = items if form == "items" else AsTransactions(items, whole, Waiting(), lost)
        self.logs = Logs(resource, guarded(get_before_send_log(options)))
        self.metrics = Metrics(resource, guarded(get_before_send_metric(options)))
        self._events = Events(client, transport, resource)

    def errors(self, batch: Sequence[ErrorRecord], delivery: Delivery) -> Iterator[Parcel]:
        """Give one envelope per error report that is open; what the application refuses is settled in *delivery*."""
        for place, record in enumerate(batch):
            try:
                if delivery.fates[place] is None:
                    yield Parcel(self._events.envelope(record), (place,))
            except Refused as refused:
                delivery.settle((place,), str(refused))
