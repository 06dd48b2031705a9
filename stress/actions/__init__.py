"""The actions, one fault a file: a model of its keys that can say what to do when, and do it."""
