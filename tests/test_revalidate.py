"""The six tests of the source document, section 5, against the service as it is.

Corrected: a model's error is expected by `pytest.raises`; the details of an invalid request are plain JSON, with its
place in the body; what a 405 says is under ``error`` because the service says so, not FastAPI.
"""

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from anytel.demo.app import app
from anytel.demo.revalidate import RevalidateRequest

SECRET = {"x-revalidate-secret": "test-secret"}

client = TestClient(app)


@pytest.fixture(autouse=True)
def _default_secret(monkeypatch):
    """The secret is the demo's own, whatever the environment says."""
    monkeypatch.delenv("REVALIDATE_SECRET", raising=False)


def test_model_validation_success():
    """A valid key and page are taken as they are."""
    model = RevalidateRequest.model_validate({"fragmentKey": "home-hero", "pageSlug": "home"})
    assert model.fragmentKey == "home-hero"
    assert model.pageSlug == "home"


def test_model_validation_invalid_key():
    """A key that could leave its directory is refused by the model."""
    with pytest.raises(ValidationError, match="Invalid fragmentKey") as caught:
        RevalidateRequest.model_validate({"fragmentKey": "../evil"})
    (error,) = caught.value.errors()
    assert error["type"] == "value_error"
    assert error["loc"] == ("fragmentKey",)


def test_endpoint_success():
    """With the right secret a fragment is revalidated."""
    response = client.post("/revalidate", json={"fragmentKey": "home-hero", "pageSlug": "home"}, headers=SECRET)
    assert response.status_code == 200
    assert response.json() == {"revalidated": True, "fragmentKey": "home-hero", "pageSlug": "home"}
    assert response.headers["content-type"] == "application/json"


def test_endpoint_invalid_secret():
    """With a wrong secret nothing is done."""
    response = client.post("/revalidate", json={"fragmentKey": "home-hero"}, headers={"x-revalidate-secret": "wrong"})
    assert response.status_code == 401
    assert response.json() == {"detail": "Invalid secret"}


def test_endpoint_query_blocked():
    """A key in the query of a GET is not looked at."""
    response = client.get("/revalidate?fragmentKey=home-hero")
    assert response.status_code == 405
    assert response.json() == {"error": "Method Not Allowed"}
    assert response.headers["allow"] == "POST"


def test_endpoint_validation_error():
    """An invalid key is answered with what is wrong with it, and where."""
    response = client.post("/revalidate", json={"fragmentKey": "../evil"}, headers=SECRET)
    assert response.status_code == 400
    assert response.json()["error"] == "Invalid input"
    (detail,) = response.json()["details"]
    assert detail["type"] == "value_error"
    assert detail["loc"] == ["body", "fragmentKey"]
    assert "Invalid fragmentKey" in detail["msg"]
