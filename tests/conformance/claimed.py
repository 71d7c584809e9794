"""What the bundled backends state, under the kit's names of the features.

To be moved into the backends' own ``fidelity``: then `BackendConformance.fidelity` need not be overridden any more.
"""

from anytel.testing.conformance import approximate, exact, unsupported

SENTRY = {
    "metric": exact(),
    "metric.distribution": approximate(
        "at most 1,000 samples per series and interval, then a reservoir of them (within 25 %)"
    ),
    "metric.histogram": approximate("sent as a distribution; the declared buckets are not"),
    "metric.set": approximate("a gauge of the different values seen by each process in the last minute (within 10 %)"),
    "metric.unit": approximate("in Sentry's names; the others as written"),
    "metric.description": unsupported("Sentry's metrics have none"),
    "metric.exemplars": unsupported("aggregated metrics belong to no span"),
    "span": exact(),
    "span.time": approximate("in seconds, to about a microsecond"),
    "span.status": approximate("unset becomes ok; the message is the attribute sentry.status.message"),
    "span.attributes": approximate("a list of mixed types becomes JSON text"),
    "span.events": exact("as the attribute span.events, one JSON text each"),
    "span.kind": exact("as the attribute sentry.kind"),
    "span.exception": approximate("type and message as attributes; the stack is in the error report"),
    "log": exact(),
    "log.exception": exact("type, message and stack trace as attributes"),
    "error": exact(),
}
DATADOG = {
    "metric": exact(),
    "metric.distribution": approximate(
        "at most 1,000 samples per series and interval; more are a reservoir of them with its rate (within 25 %)"
    ),
    "metric.histogram": approximate("its samples go to the Agent's histogram; the declared buckets are not sent"),
    "metric.name": approximate("letters, digits, underscores and dots are kept, the rest become underscores"),
    "metric.tags": approximate("characters that Datadog does not allow become underscores, 200 are kept"),
    "metric.unit": unsupported("DogStatsD has none; set it in the metric's metadata"),
    "metric.description": unsupported("DogStatsD has none; set it in the metric's metadata"),
    "metric.exemplars": unsupported("DogStatsD has none"),
    "span": exact(),
    "span.kind": exact("internal by its absence"),
    "span.status": exact("ok is not told from unset, which no call of the API sets"),
    "span.attributes": approximate("numbers are floats; lists JSON text; those of HTTP have Datadog's names"),
    "span.links": approximate("attribute values as text"),
    "log": unsupported("the Agent reads them from the process's output, with dd.trace_id and dd.span_id"),
    "error": unsupported("seen on the span it left; one captured outside of a span is not sent"),
}
PROMETHEUS = {
    "metric": exact(),
    "metric.distribution": approximate(
        "sorted into buckets; Prometheus interpolates percentiles between their bounds (within 25 %)"
    ),
    "metric.set": approximate(
        "a gauge of the different values seen in the last minute; instances cannot be added up (within 10 %)"
    ),
    "metric.name": approximate("dots become underscores, and the unit and a counter's _total are added"),
    "metric.tags": approximate("names become labels: letters, digits and underscores"),
    "metric.unit": approximate("base units: milliseconds become seconds, the values with them"),
    "metric.description": exact("where there is none, the metric's own name"),
    "span": unsupported("Prometheus stores metrics only"),
    "log": unsupported("Prometheus stores metrics only"),
    "error": unsupported("Prometheus stores metrics only"),
}
CONSOLE = {
    "metric": exact(),
    "metric.distribution": approximate("number, sum and extremes; not the values"),
    "metric.histogram": approximate("number, sum and extremes; not the buckets"),
    "metric.set": approximate("the number of different values in the last minute (within 10 %)"),
    "metric.description": unsupported("it is where the metric is declared"),
    "metric.exemplars": unsupported("the lines of spans are there"),
    "span": exact(),
    "span.time": unsupported("only the duration, in milliseconds"),
    "span.parent": unsupported("one line per span, without the tree"),
    "span.kind": unsupported("one line per span, without its kind"),
    "span.service": unsupported("one line per span, without its service"),
    "span.events": unsupported("one line per span, without its events"),
    "span.links": unsupported("one line per span, without its links"),
    "span.exception": unsupported("its message is the reason; the rest is in the line of the error"),
    "log": exact("the logger itself writes the line"),
    "log.attributes": approximate("nested values stay nested"),
    "error": exact(),
    "error.exception": approximate("type, without its module, and message"),
    "error.chain": unsupported("the log line has the traceback"),
    "error.group": unsupported("the log line has the traceback"),
    "error.trace": approximate("the trace id"),
}
