# Shorthands for people who type make; everything is in ./emulate.
.PHONY: test clean

test:
	sudo ./emulate test

clean:
	rm -rf .venv .venv-test build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
