# `make demo` and `make test` do all their own set-up; they need Python >= 3.11 with venv.
PYTHON ?= python3
BIN = .venv/bin
STAMP = .venv/.installed

.PHONY: demo test check fmt lock docs audit bench chaos storm peers image-check clean

demo: $(STAMP)
	$(BIN)/syncd demo

# Three at once on two cores: many tests wait for a process, a server or a pause.
test: $(STAMP)
	$(BIN)/pytest -n 3

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/python .ci/licenses.py --check

fmt: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP)
	$(BIN)/python -m syncd.remedies docs/remedies.md
	$(BIN)/python -m syncd.schemas docs/schemas
	$(BIN)/python .ci/licenses.py

# Known weaknesses of the locked packages, as the package index tells them. Of a package that is named
# as not audited nothing is known, and that is a failure too.
audit: $(STAMP)
	$(BIN)/python .ci/audit.py

bench: $(STAMP)
	$(BIN)/python benchmarks/sync.py
	$(BIN)/python benchmarks/derive.py
	$(BIN)/python benchmarks/pull.py

storm: $(STAMP)
	$(BIN)/python tests/storm.py

# Clients that nobody here wrote, against the sandboxes; needs npm too. `make peers PEERS=jsforce`
# runs one of them.
peers: $(STAMP)
	$(BIN)/python tests/peers/run.py $(PEERS)

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate

lock: $(STAMP)
	$(LOCK) -o requirements/runtime.txt pyproject.toml
	$(LOCK) -c requirements/runtime.txt -o requirements/dev.txt pyproject.toml requirements/dev.in
	for peer in tests/peers/*/requirements.in; do $(LOCK) -o "$${peer%in}txt" "$$peer" || exit 1; done

chaos: $(STAMP)
	$(BIN)/python tests/chaos.py

image-check:
	PYTHON=$(PYTHON) .ci/image-check

clean:
	rm -rf .venv .peers

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)
