"""Normalise Sentry payloads, one JSON text per line, with Relay's own code; run by the Python that has sentry-relay."""

import json
import sys

from sentry_relay.processing import StoreNormalizer

relay = StoreNormalizer(project_id=1, client="anytel", key_id="1", protocol_version="7", is_renormalize=False)
for line in sys.stdin:
    try:
        print(json.dumps({"event": relay.normalize_event(raw_event=line)}))
    except Exception as refused:
        print(json.dumps({"refused": f"{type(refused).__name__}: {refused}"}))
