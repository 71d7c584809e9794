"""The writer: files are written at once, removed when they are no longer generated, and others' are left alone."""

from __future__ import annotations

import json

import pytest

from anytel.errors import ConfigError
from anytel.generate.writer import MANIFEST, write


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def test_files_are_written_once(tmp_path):
    """What has not changed is not touched."""
    first = write(tmp_path, {"a": {"x/one.yml": "1\n", "two.yml": "2\n"}})
    before = (tmp_path / "x/one.yml").stat().st_mtime_ns
    second = write(tmp_path, {"a": {"x/one.yml": "1\n", "two.yml": "3\n"}})
    assert first.written == ["two.yml", "x/one.yml"]
    assert (second.written, second.unchanged) == (["two.yml"], ["x/one.yml"])
    assert (tmp_path / "x/one.yml").stat().st_mtime_ns == before
    assert files(tmp_path) == {"x/one.yml": "1\n", "two.yml": "3\n"}


def test_what_is_no_longer_generated_is_removed_with_its_folders(tmp_path):
    """And nothing else that is there."""
    write(tmp_path, {"a": {"x/y/one.yml": "1", "two.yml": "2"}})
    (tmp_path / "mine.yml").write_text("mine")
    done = write(tmp_path, {"a": {"two.yml": "2"}})
    assert done.removed == ["x/y/one.yml"]
    assert files(tmp_path) == {"two.yml": "2", "mine.yml": "mine"}
    assert not (tmp_path / "x").exists()


def test_the_files_of_other_targets_stay(tmp_path):
    """Each run is about the targets it was given."""
    write(tmp_path, {"a": {"one.yml": "1"}, "b": {"two.yml": "2"}})
    assert write(tmp_path, {"a": {}}).removed == ["one.yml"]
    assert files(tmp_path) == {"two.yml": "2"}
    assert json.loads((tmp_path / MANIFEST).read_text()) == {"b": ["two.yml"]}


def test_a_file_that_somebody_else_wrote_is_never_overwritten(tmp_path):
    """Nothing at all is written then."""
    (tmp_path / "two.yml").write_text("mine")
    with pytest.raises(ConfigError, match=r"two\.yml is there already, and anytel did not generate it"):
        write(tmp_path, {"a": {"one.yml": "1", "two.yml": "2"}})
    assert files(tmp_path) == {"two.yml": "mine"}


def test_a_file_that_holds_the_same_already_is_taken_over(tmp_path):
    """As after a lost manifest."""
    write(tmp_path, {"a": {"one.yml": "1"}})
    (tmp_path / MANIFEST).unlink()
    assert write(tmp_path, {"a": {"one.yml": "1"}}).unchanged == ["one.yml"]
    assert write(tmp_path, {"a": {}}).removed == ["one.yml"]


def test_a_run_that_was_interrupted_is_finished_by_the_next(tmp_path, monkeypatch):
    """Its files are still known as generated."""
    write(tmp_path, {"a": {"one.yml": "1", "two.yml": "2"}})
    monkeypatch.setattr("pathlib.Path.unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, {"a": {"one.yml": "1"}})
    monkeypatch.undo()
    assert files(tmp_path).keys() == {"one.yml", "two.yml"}
    assert write(tmp_path, {"a": {"one.yml": "1"}}).removed == ["two.yml"]
    assert json.loads((tmp_path / MANIFEST).read_text()) == {"a": ["one.yml"]}


@pytest.mark.parametrize("text", ["not json", "[]", '{"a": ["../outside.yml"]}', '{"a": ["/etc/passwd"]}'])
def test_a_manifest_that_cannot_be_trusted_is_refused(tmp_path, text):
    """It says what will be removed."""
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ConfigError, match="cannot be read"):
        write(tmp_path, {"a": {}})


def test_files_can_be_read_by_a_server_that_runs_as_another_user(tmp_path):
    """As any file that this user makes."""
    (tmp_path / "plain").write_text("")
    write(tmp_path, {"a": {"one.yml": "1"}})
    assert (tmp_path / "one.yml").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path):
    """In one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written to"):
        write(tmp_path / "file", {"a": {"one.yml": "1"}})
