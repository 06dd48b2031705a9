"""The scenario file: its models, how it is loaded, its JSON schema."""
