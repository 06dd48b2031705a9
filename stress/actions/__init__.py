"""Actions, one fault per file: a model of the step's keys that plans operations and carries them out."""
