# The targets of a working day. `make` alone lists them.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

# Run without installing: the first use builds it, which takes a minute or two.
GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# With CI=1 the demo ends by itself: with 0 at the first alert, with 1 after a minute without one.
DEMO_FLAGS := $(if $(filter 1 true,$(CI)),--exit-on-alert --for 60s)

.DEFAULT_GOAL := help
.PHONY: help build run test simulate chaos soak race bench guard bench-reference bench-latency bench-encodings bench-score bench-budget bench-calibration lint fmt fuzz bench-restore

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build bin/tidemark, one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/tidemark ./cmd/tidemark

run: build ## Build and run the demo until Ctrl-C; with CI=1 until the first alert
	bin/tidemark demo $(DEMO_FLAGS)

# The roles are tested in virtual time, which stands still while a goroutine waits for a mutex. The tag gives the Kafka
# client mutexes that it does not stand still for. The faults on real servers have the machine to themselves.
test: ## Run the tests; the last line names those that lacked a program and were skipped
	@skipped=$$(mktemp) && trap 'rm -f "$$skipped"' EXIT && \
	export TIDEMARK_SKIPPED=$$skipped && passed=0 && \
	{ go test -timeout 30m $$(go list ./... | grep -v -e /processor$$ -e /chaos$$) || passed=1; } && \
	{ go test -timeout 20m -tags synctests ./processor || passed=1; } && \
	{ go test -timeout 20m ./chaos || passed=1; } && \
	all=$$(sort -u "$$skipped" | paste -sd , | sed 's/,/, /g') && \
	echo "skipped: $${all:-nothing}" && exit $$passed

simulate: ## Run 1,000 seeds of simulated processes and 100 of the roles themselves under faults; prints the faults by kind
	go test -count 1 -timeout 60m -v ./processor/simulation -seeds 1000
	go test -count 1 -timeout 60m -v -tags synctests -run TestRolesUnderFaults ./processor -seeds 100

# Eleven rounds of faults, or more when CHAOS_FOR is longer than they take. CHAOS_KEEP names an empty directory for what is
# left: logs, the topics and the archive. One round is part of `make test`.
CHAOS_FOR ?= 8m
CHAOS_SEED ?= 1
CHAOS_KEEP ?=

chaos: ## Kill, stop and cut off processes, broker and object store, and check that nothing is lost or twice
	go test ./chaos -run TestChaos -v -count=1 -timeout 0 -args -rounds=11 -for=$(CHAOS_FOR) -seed=$(CHAOS_SEED) -keep=$(CHAOS_KEEP)

SOAK_FOR ?= 30m

soak: ## Run half an hour of steady traffic; print the first and the last resident memory (Linux)
	go test -tags soak ./chaos -run TestSoak -v -count=1 -timeout 0 -args -soak=$(SOAK_FOR)
FUZZTIME ?= 1m

# By default a find is made smaller for a minute before the next is looked for, and inputs of kilobytes are finds all the time.
fuzz: ## Fuzz every decoder for a minute, or FUZZTIME
	@grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n 1 dirname | sort -u | while read dir; do \
		for f in $$(grep -hoE '^func Fuzz[A-Za-z]+' $$dir/*_test.go | cut -c 6-); do \
			echo "== $$dir $$f" && go test -tags synctests -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$dir || exit 1; \
		done; \
	done

race: ## Run the tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -tags synctests ./...

bench: ## Run the benchmarks
	go test -bench . -skip 'Reference|Latency' -run '^$$' ./...

guard: ## Fail when counting a capture has become slower than was accepted in processor/testdata/guard.json (Linux)
	go test -tags synctests -bench '^BenchmarkGuard$$' -benchtime 1x -run '^$$' ./processor

bench-reference: ## Measure the whole program on Apache Kafka against bare polling; BENCH_FLAGS has flags
	go test -bench Reference -benchtime 1x -timeout 60m -run '^$$' ./cmd/bench

bench-latency: ## Time from record to report and alert at a steady rate on Apache Kafka; BENCH_FLAGS has flags
	go test -bench Latency -benchtime 1x -timeout 60m -run '^$$' ./cmd/bench

bench-encodings: ## Search how each column of the archive takes the least space: ten minutes
	go run ./cmd/bench encodings

bench-score: ## Score two million rows of 25 columns: rows a second of processor time
	go test -bench Score -benchtime 1x -run '^$$' ./cmd/tidemark

bench-budget: ## Simulate 100 alarm budgets of 30 days without a change, and count false alarms: about an hour
	go test ./detectors/budget -run 'Budgets|Sizes|OneFeature|WithoutChange|JointQuiet' -v -budgets 100 -timeout 5h

bench-restore: ## Kill a process with 1,000 endpoints of 25 features in its state, and print when the next report comes
	go test ./cmd/tidemark -run 'TestRestore$$' -count 1 -v -timeout 30m -endpoints 1000

bench-calibration: ## Print the tables of docs/detection.md: all methods on data with and without a change; minutes
	go test ./detectors/budget -run Calibration -v -calibrate -timeout 60m

lint: ## Check style, import rules and formatting
	$(GOLANGCI_LINT) run

fmt: ## Format the code
	$(GOLANGCI_LINT) fmt
