"""Common parts of the tests."""
