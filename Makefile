# `make` prints what there is. Nothing here needs root; everything fetched is pinned by hash.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
# The packages that `make race` tests.
RACE ?= ./...
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
TOOLS := $(CURDIR)/bin/tools
VENV := .venv/bin

.PHONY: help
help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# What programs need beside themselves: the model, libraries, ffmpeg. The program itself fetches it.
FETCH := bin/orchestrator setup --quiet

.PHONY: setup
setup: build ## fetch what run and test need: the model, libraries, ffmpeg, and .venv
	@$(FETCH)
	@$(PYTHON) scripts/venv.py test
	@$(PYTHON) scripts/axe.py "$${CHORTLE_CACHE_DIR:-$${XDG_CACHE_HOME:-$$HOME/.cache}/chortle}" || true # its test says what is missing

.PHONY: screens
screens: ## picture every page of the demo's people into docs/screens (needs Chromium)
	go run ./scripts/screens $(ARGS)

.PHONY: build
build: ## build bin/orchestrator and bin/inferd, without a C compiler
	@command -v go >/dev/null || { echo "build: go is missing: install Go 1.26 or newer, https://go.dev/dl" >&2; exit 1; }
	@[ -x bin/orchestrator ] || echo "building for the first time; this takes a few minutes"
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ ./cmd/orchestrator ./cmd/inferd

.PHONY: run
run: build ## make a day of sound for two users, and find its laughs
	@$(FETCH)
	@bin/orchestrator demo $(ARGS)

.PHONY: test
test: ## run all tests, against real parts
	@$(MAKE) setup
	@CHORTLE_TEST_REQUIRE=1 $(PYTHON) scripts/gotest.py $(GOTESTFLAGS) ./...
	@if [ -d python/tests ]; then CHORTLE_TEST_REQUIRE=1 $(VENV)/python scripts/pytests.py; fi

.PHONY: race
race: ## run the Go tests under the race detector (needs a C compiler)
	@command -v "$$(go env CC)" >/dev/null || { echo "race: the race detector needs a C compiler, and '$$(go env CC)' is not there: install gcc, or set CC" >&2; exit 1; }
	@$(MAKE) setup
	@CGO_ENABLED=1 CHORTLE_TEST_REQUIRE=1 $(PYTHON) scripts/gotest.py -race $(GOTESTFLAGS) $(RACE)

.PHONY: lint
lint: $(TOOLS)/golangci-lint $(TOOLS)/buf ## lint Go, Python, shell and proto
	@$(PYTHON) scripts/venv.py lint
	$(TOOLS)/golangci-lint run ./...
	$(TOOLS)/buf lint
	$(VENV)/ruff check python scripts bench
	$(VENV)/ruff format --check python scripts bench
	$(VENV)/mypy --strict scripts/*.py bench/*.py
	cd python && ../$(VENV)/mypy
	$(VENV)/shellcheck -e SC1091 .ci/run scripts/install scripts/package/settle scripts/package/p*

.PHONY: generate
generate: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-grpc ## write the Go and Python code of the proto files
	@$(PYTHON) scripts/venv.py generate
	PATH="$(TOOLS):$$PATH" $(TOOLS)/buf generate
	.venv/generate/bin/python python/generate.py

.PHONY: verify
verify: generate ## fail where generated code, go.mod or formatting is stale
	@git diff --exit-code --stat -- internal/gen python/src || { echo "verify: generated code is stale: run make generate, and commit it" >&2; exit 1; }
	@new=$$(git ls-files --others --exclude-standard -- internal/gen python/src); [ -z "$$new" ] || { echo "verify: generated files are not committed: $$new" >&2; exit 1; }
	go mod tidy -diff
	go mod verify
	go vet ./...
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "verify: not gofmt-ed: $$unformatted" >&2; exit 1; }

.PHONY: conformance
conformance: ## run the suites that every store and every model plugin must pass
	@$(MAKE) setup
	@CHORTLE_TEST_REQUIRE=1 $(PYTHON) scripts/gotest.py -count=1 -run '^(TestStore|TestConformance|TestPlugins)$$' \
	  ./orchestrator/modelhost ./orchestrator/store/sqlite ./orchestrator/store/postgres

.PHONY: evidence
evidence: ## show what Chortle promises by commands, and write docs/evidence.md
	@$(MAKE) setup
	$(PYTHON) bench/evidence.py

.PHONY: wheel
wheel: ## build the Python packages as a wheel, into bin/
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir bin ./python

.PHONY: dist
dist: ## build packages, archives and the container image, into dist/ (ARGS='-arch amd64 -key FILE')
	cd tools/dist && CGO_ENABLED=0 go build -o ../../build/dist-tool .
	build/dist-tool $(ARGS)

ROOTS := build/dist/roots
.PHONY: dist-test
dist-test: ## install, upgrade and remove the packages in a minimal Debian (needs root, debootstrap and apt)
	@if [ "$$(id -u)" = 0 ] && command -v debootstrap >/dev/null && [ ! -e $(ROOTS)/bookworm ]; then \
	  mkdir -p $(ROOTS) && rm -rf $(ROOTS)/new && debootstrap --variant=minbase bookworm $(ROOTS)/new >/dev/null && mv $(ROOTS)/new $(ROOTS)/bookworm; fi
	cd tools/dist && go vet ./... && go test -count=1 -v -timeout=30m ./... | grep -E '^(---|ok|FAIL| +\S+_test.go)'

.PHONY: transcripts
transcripts: $(TOOLS)/grpcurl ## write the terminals in docs/writing-a-plugin.md anew, from real runs
	@$(MAKE) setup
	$(PYTHON) bench/transcripts.py docs/writing-a-plugin.md

.PHONY: bench
bench: ## measure ours and the peers on the same hour of sound
	@$(MAKE) setup
	@$(PYTHON) scripts/venv.py bench
	$(PYTHON) bench/bench.py $(ARGS)

.PHONY: quality
quality: ## measure how well laughs are found in labelled sound (LABELS=FILE FOLDER=DIR ARGS='--curve')
	@$(MAKE) build
	@$(FETCH)
	bin/orchestrator models bench --labels "$(LABELS)" $(if $(FOLDER),"$(FOLDER)") $(ARGS)

.PHONY: picture
picture: ## record docs/run.svg, the picture of make run, from a real run
	@$(MAKE) build
	@$(FETCH)
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && \
	  CHORTLE_CACHE_DIR="$${CHORTLE_CACHE_DIR:-$$HOME/.cache/chortle}" HOME="$$home" \
	  $(PYTHON) bench/terminal_svg.py --columns 116 --title 'make run' docs/run.svg -- bin/orchestrator demo

.PHONY: night
night: ## measure a night for two users, from the API and from a folder (ARGS='-hours 16')
	@$(MAKE) build
	@$(FETCH)
	PATH="$$PATH:$$(bin/orchestrator config | sed -n 's/^CHORTLE_CACHE_DIR  *\(.*[^ ]\)  .*/\1/p')/bin" go run ./bench/night $(ARGS)

.PHONY: lock
lock: ## pin python/requirements-*.in anew (needs uv)
	@for file in python/requirements-*.in; do \
	  case $$file in *-runtime.in|*-postgres.in) deps=--no-deps ;; *) deps= ;; esac; \
	  (cd python && uv pip compile --quiet --universal --generate-hashes --custom-compile-command 'make lock' $$deps \
	    --python-version 3.10 "$${file#python/}" -o "$$(basename "$$file" .in).txt"); \
	done

.PHONY: clean
clean: ## remove what was built, measured and installed in the checkout
	rm -rf bin build dist .venv

# The tools are built once from their own module files, so that they never touch ours.

$(TOOLS)/buf: tools/buf/go.mod
	cd tools/buf && GOBIN=$(TOOLS) CGO_ENABLED=0 go install -ldflags '-s -w' github.com/bufbuild/buf/cmd/buf

$(TOOLS)/golangci-lint: tools/lint/go.mod
	cd tools/lint && GOBIN=$(TOOLS) CGO_ENABLED=0 go install -ldflags '-s -w' github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: s3-server
s3-server: $(TOOLS)/versitygw ## build the S3 server that tests of clips in a bucket start; without it they are skipped

$(TOOLS)/versitygw: tools/s3/go.mod
	cd tools/s3 && GOBIN=$(TOOLS) CGO_ENABLED=0 go install -ldflags '-s -w' github.com/versity/versitygw/cmd/versitygw

$(TOOLS)/protoc-gen-go: tools/go.mod
	cd tools && GOBIN=$(TOOLS) CGO_ENABLED=0 go install google.golang.org/protobuf/cmd/protoc-gen-go

$(TOOLS)/protoc-gen-go-grpc: tools/go.mod
	cd tools && GOBIN=$(TOOLS) CGO_ENABLED=0 go install google.golang.org/grpc/cmd/protoc-gen-go-grpc

$(TOOLS)/grpcurl: tools/go.mod
	cd tools && GOBIN=$(TOOLS) CGO_ENABLED=0 go install -ldflags '-s -w' github.com/fullstorydev/grpcurl/cmd/grpcurl

FUZZTIME ?= 1m
.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME, one after another
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done
