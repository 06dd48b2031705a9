"""Scenario files: models, loading, JSON schema."""
