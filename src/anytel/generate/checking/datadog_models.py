"""The models of Datadog's API client, where it is installed: required keys, types, enumerations, and unknown keys.

Loading a body by itself finds the first two only. What it does not know it keeps as "unparsed", and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from anytel.generate.checking.artefacts import Artefacts, Kind
from anytel.generate.checking.finding import Finding

__all__ = ["model_checks"]

_MODELS: dict[Kind, str] = {
    "datadog monitor": "v1.model.monitor:Monitor",
    "datadog slo": "v1.model.service_level_objective_request:ServiceLevelObjectiveRequest",
    "datadog dashboard": "v1.model.dashboard:Dashboard",
    "datadog metric": "v1.model.metric_metadata:MetricMetadata",
    "datadog tags": "v2.model.metric_tag_configuration_create_request:MetricTagConfigurationCreateRequest",
}
_CHECK = "datadog-api-client"


def model_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Have each body loaded by its model."""
    number = sum(len(artefacts.of(kind)) for kind in _MODELS)
    if not number:
        return
    try:
        import_module("datadog_api_client")
    except ImportError:
        yield Finding(
            _CHECK, "skipped", detail=f"datadog-api-client is not installed; {number} files were not checked by it"
        )
        return
    for kind, path in _MODELS.items():
        module, _, name = path.partition(":")
        model = getattr(import_module(f"datadog_api_client.{module}"), name)
        for file in artefacts.of(kind):
            found = list(dict.fromkeys(_problems(model, file.data)))
            yield from [Finding(_CHECK, "failed", file.path, wrong) for wrong in found]
            if not found:
                yield Finding(_CHECK, "passed", file.path)


def _problems(model: Any, body: object) -> Iterator[str]:
    client, utils = import_module("datadog_api_client"), import_module("datadog_api_client.model_utils")
    try:
        loaded = utils.validate_and_convert_types(body, (model,), [model.__name__], True, True, client.Configuration())  # noqa: FBT003 -- theirs
    except (client.exceptions.OpenApiException, TypeError, ValueError, KeyError, AttributeError) as exc:
        yield f"{type(exc).__name__}: {' '.join(str(exc).split())}"
        return
    found = list(_walk(loaded, body, model.__name__))
    yield from found
    if not found and getattr(loaded, "_unparsed", False):
        yield f"{model.__name__}: a part of it is none of what is allowed there"


def _walk(loaded: Any, body: Any, path: str) -> Iterator[str]:
    """Compare what was loaded with the body that it was loaded from."""
    if isinstance(loaded, list) and isinstance(body, list):
        for place, (one, given) in enumerate(zip(loaded, body, strict=False)):
            yield from _walk(one, given, f"{path}[{place}]")
        return
    state = getattr(loaded, "__dict__", {})
    if state.get("_unparsed") and not isinstance(body, dict | list):
        yield f"{path}: {body!r} is none of the values allowed there"
    elif type(loaded).__name__.startswith("Unparsed"):
        yield from _meant(body, path)
    composed = state.get("_composed_instances")
    if composed:
        for one in composed:
            yield from _walk(one, body, path)
        return
    names = getattr(type(loaded), "attribute_map", None)
    if isinstance(body, dict) and names:
        known = {key: name for name, key in names.items()}
        stored = state.get("_data_store") or {}
        for key, given in body.items():
            if key not in known:
                yield f"{path}.{key}: {type(loaded).__name__} has no such key"
            elif known[key] in stored:
                yield from _walk(stored[known[key]], given, f"{path}.{key}")


def _meant(body: Any, path: str) -> Iterator[str]:
    """Say what is wrong with what is no widget: by the one that its type names."""
    forms = import_module("datadog_api_client.v1.model.widget_definition").WidgetDefinition._composed_schemas["oneOf"]
    kind = body.get("type") if isinstance(body, dict) else None
    for form in forms:
        if kind in form.openapi_types["type"][0].allowed_values:
            for wrong in _problems(form, body):
                yield f"{path}: {wrong}"
            return
    yield f"{path}: none of the allowed forms has what is there"
