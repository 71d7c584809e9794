"""The distributions here are not part of the suite: `test_third_party.py` installs them and runs their tests."""

collect_ignore = ["anytel-statsd"]
