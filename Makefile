# The README's two commands, and what developers run besides. Each sets up what it needs and may be repeated.

.PHONY: help demo test lint lock

help:
	@echo "make demo   set up everything, then run the product with an invented city at http://127.0.0.1:8000/"
	@echo "make test   set up everything, then pass all tests"
	@echo "make lint   style, types, import directions, licences"
	@echo "make lock   pin the dependencies of pyproject.toml anew"

demo:
	@scripts/setup product
	@.venv/bin/wangge demo $(ARGS)

test:
	@scripts/setup tests
	@.venv/bin/python -m pytest -n auto --dist loadfile $(ARGS)

lint:
	@scripts/setup tests
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	scripts/licences

lock:
	scripts/lock
