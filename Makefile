# What a developer runs. The product itself needs only cargo: see README.md.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help test check fmt lint doc openapi openapi-lint conformance bare bench

# Where the tests' output is kept: `check` and .ci/run quote its closing lines.
TEST_LOG := target/test.log

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## the whole suite on SQLite and on a private Postgres cluster, which it starts and stops
	@mkdir -p $(dir $(TEST_LOG))
	scripts/with-postgres cargo test --locked 2>&1 | tee $(TEST_LOG)

# TESTED=yes leaves the tests out: for those who ran `make test` on the same tree a moment ago, as .ci/run does.
check: fmt lint doc $(if $(TESTED),,test) openapi-lint conformance ## all that must hold: fmt lint doc test openapi-lint conformance
	@echo 'make check: all of it holds$(if $(TESTED), (the tests were run before and not again))'

fmt: ## is the code formatted?
	cargo fmt --check

lint: ## clippy over everything, warnings are errors
	cargo clippy --locked --all-targets -- -D warnings

doc: ## the code's documentation, warnings are errors
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps

openapi: ## write openapi/openapi.json anew from the code
	cargo build -q --locked
	cargo run -q --locked -- openapi > target/openapi.json
	mv target/openapi.json openapi/openapi.json

openapi-lint: ## openapi/openapi.json against its rules and three linters
	tests/conformance/lint

conformance: ## outside validators against the real server, on both databases
	tests/conformance/run

bench: ## the load bench against nginx, on both databases: a table, BENCHMARKS.md, benches/results/ (25 minutes; BENCH='--quick' tries it)
	benches/install
	cargo build --profile production --locked
	python3 benches/bench.py $(BENCH)

bare: ## proof from nothing: a bare Debian root runs the README's two commands and the Dockerfile's steps (root, half an hour)
	scripts/bare $(PART)
