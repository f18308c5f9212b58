# The verbs of this repository. `make check` is the gate; CI runs the same steps through .ci/run.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help run test test-deps check fmt lint layers doc bench bench-growth bench-parts bench-dashboards instructions instructions-write soak gen destination fuzz geo release sbom supply-chain

help: ## list the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

run: ## start the router with ./config.toml
	cargo run --locked

test-deps: ## install what some tests drive: client libraries below target/sdk, PostgreSQL and Redis
	@scripts/test-deps.sh

# One profile and one set of features for everything, so that nothing is compiled twice.
# One PostgreSQL and one Redis for all of them: without it, each process that needs one starts its own.
test: test-deps ## all tests; with cargo-nextest where it is installed
	@if cargo nextest --version >/dev/null 2>&1; then \
	  scripts/with-postgres.sh scripts/with-redis.sh cargo nextest run --locked --no-fail-fast; \
	else \
	  scripts/with-postgres.sh scripts/with-redis.sh cargo test --locked --no-fail-fast --lib --bins --tests; \
	fi
	cargo test --locked --doc

check: ## the gate: formatting, lints, layers, tests, documentation
	cargo fmt --all --check
	$(MAKE) lint
	$(MAKE) layers
	$(MAKE) test
	$(MAKE) doc

fmt: ## format
	cargo fmt --all

lint: ## clippy, with warnings as errors
	cargo clippy --locked --all-targets -- -D warnings

layers: ## who may import whom
	cargo test --locked --quiet --test layers

doc: ## the crate's documentation, with warnings as errors
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

# What the tables of docs/performance.md are made of. BENCH_EVENTS goes for every scenario: with 100000 and one run it is all
# over in five minutes.
BENCH_RUNS ?= 3
BENCH_SCENARIOS ?= batch-journal single-webhook batch-webhook batch-four batch-three batch-sqlite kafka-journal \
  kafka-webhook batch-bigquery rate start catch-up
ROUTER_BENCH := cargo bench --locked --bench router --

bench: ## measure the router as docs/performance.md does: 20 minutes after the build; BENCH_RUNS (3), BENCH_EVENTS
	$(ROUTER_BENCH) $(BENCH_SCENARIOS:%=--scenario %) --runs $(BENCH_RUNS) $(BENCH_EVENTS:%=--events %)
	$(ROUTER_BENCH) --scenario restart --runs $(BENCH_RUNS) --events $(or $(BENCH_EVENTS),6800000)
	$(ROUTER_BENCH) --scenario growth --runs 1 $(BENCH_EVENTS:%=--events %) --charts target/charts

# Needs 12 GB of disk for a while.
bench-growth: ## draw docs/charts anew, with up to BENCH_EVENTS (10000000) records: half an hour; BENCH_RUNS (1)
	$(ROUTER_BENCH) --scenario growth --runs $${BENCH_RUNS:-1} --events $(or $(BENCH_EVENTS),10000000)

bench-parts: ## measure the parts alone: parsing, journal, rows, brokers, live numbers, reports
	cargo bench --locked --bench spec --bench journal --bench warehouse --bench kafka --bench live --bench projections \
	  --bench reports

# Not optimised: what works is the engine.
bench-dashboards: ## how long dashboards wait for ClickHouse's engine with DASHBOARD_EVENTS (2000000) events
	cargo bench --locked --profile dev --bench router -- --scenario dashboards --runs 1 --events $${DASHBOARD_EVENTS:-2000000}

# Without Kafka, whose library is not what is counted and takes minutes to build.
instructions: ## count the instructions of the hot functions below valgrind, and compare with benches/instructions.txt
	cargo bench --locked --profile instructions --no-default-features --bench instructions

instructions-write: ## write benches/instructions.txt anew
	cargo bench --locked --profile instructions --no-default-features --bench instructions -- --write

# Optimised: faults come faster, and it is the code that is published.
soak: ## random faults for SOAK_MINUTES (60) or SOAK_KILLS (1000), whichever is over first
	SOAK_KILLS=$${SOAK_KILLS:-1000} cargo test --locked --release --test it -- --exact --nocapture \
	  storm::soak::nothing_is_lost_doubled_or_disordered_however_long_the_storm

gen: ## write config.toml, env.example and the generated documentation anew
	cargo run --locked --quiet -- gen .

destination: ## start a new destination from templates/destination: make destination NAME=acme
	@python3 scripts/new-destination.py "$(NAME)"
	@cargo fmt --all

fuzz: ## fuzz every target for FUZZ_SECONDS (60) on the stable compiler
	@scripts/fuzz.sh

geo: ## fetch a free file of countries by address for `[geo] database`
	@scripts/geo.sh

release: ## the binary as published: target/dist/opentrack
	cargo build --locked --profile dist

sbom: ## the crates that the binary is built of, as CycloneDX: target/sbom.json
	@python3 scripts/sbom.py target/sbom.json

supply-chain: ## licences, sources, banned and unused crates, and the bill of materials
	@python3 scripts/supply-chain.py
	@python3 scripts/sbom.py target/sbom.json
