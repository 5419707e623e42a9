# The commands of the project. `make test` and `make demo` each work as the first command in a fresh clone on Debian 12: they install
# what is missing (tools/bootstrap), fetch the engine and the clients into .deps and .venv, and build. Everything is kept and reused.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help bootstrap fetch fetch-clients demo-data build release programs test demo demo-stop bench fuzz layers lint format clean distclean

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
CXX_FILES = git ls-files '*.cc' '*.h'

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bootstrap: ## Install missing Debian packages (asks for sudo unless root)
	@tools/bootstrap

fetch: bootstrap
	@tools/fetch_duckdb
	@tools/fetch_arrow

fetch-clients: bootstrap
	@tools/fetch_clients

demo-data: fetch fetch-clients
	@tools/demo_data

build: fetch ## Build with sanitizers into build/dev
	@tools/build dev $(JOBS)

release: fetch ## Build optimised into build/release
	@tools/build release $(JOBS)

programs: fetch
	@tools/build release $(JOBS) skep skep-worker

test: build fetch-clients demo-data ## Build with sanitizers and run every test
	@tools/run_tests build/dev

demo: programs fetch-clients demo-data ## Build, load a sample organization, show the whole path, leave the server running
	@build/release/bin/skep demo

demo-stop: ## Stop the servers that `make demo` left running
	@if [ -d .demo ]; then tools/demo --stop; else echo "no demo was shown here"; fi

bench: fetch fetch-clients demo-data ## Measure side by side with DuckDB and PostgreSQL (bench/README.md)
	@tools/build release $(JOBS) skep skep-worker pg_reader sql_front query_front delay_proxy block_cache
	@bench/run

fuzz: fetch ## Fuzz the protocol decoders, FUZZ_SECONDS each (60)
	@tools/fuzz $(FUZZ_SECONDS) $(JOBS)

layers: ## Check that every include points downwards
	@tools/check_layers

lint: build layers ## Check layers, formatting and clang-tidy
	@$(CXX_FILES) | xargs clang-format-19 --dry-run --Werror
	@git ls-files 'src/*.cc' | grep -v _test.cc | xargs -P $(JOBS) -n 4 clang-tidy-19 -p build/dev --quiet

format: ## Format the C++ files in place
	@$(CXX_FILES) | xargs clang-format-19 -i

clean: ## Remove what was built
	rm -rf build

distclean: demo-stop clean ## Remove what was built and fetched
	rm -rf .deps .venv .demo test/clients/node/node_modules
