# Two commands: `make demo` (set-up, then the main job) and `make test` (set-up, then the tests).
# Every target installs what it needs: .venv from the hashed lock file, and the system programs
# listed in docker/system-packages.sh (apt, as root; otherwise it says what to install).
SHELL := /bin/bash
VENV := .venv
AUDIT := .venv-audit
PY := $(VENV)/bin/python
HOTLINE := $(VENV)/bin/hotline
PYTHON ?= python3
MIXED := tests/unit/calls/test_properties.py
DAY := tests/contract/test_a_day_replayed.py
# needs Asterisk to itself, as tests/line does
ON_THE_LINE := tests/faults/test_line_faults.py

.PHONY: demo test test-pure test-real lint bench soak faults setup lock audit sbom clean

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@bash docker/system-packages.sh base
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked Python packages into $(VENV) …"
	@$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	@bash docker/system-packages.sh lab
	@$(HOTLINE) demo $(if $(STAY),--stay)

# Two halves side by side: what waits for real time (Asterisk, Chromium) leaves the CPU to what does not.
# The second half gives way, and its output comes when it is done.
test: setup
	@bash docker/system-packages.sh lab postgres browser crms
	@$(HOTLINE) lab prepare
	@$(MAKE) --no-print-directory lint
	@mkdir -p .lab; nice -n 19 $(MAKE) --no-print-directory test-pure >.lab/pure.log 2>&1 & pure=$$!; \
	    $(MAKE) --no-print-directory test-real; real=$$?; \
	    wait $$pure; pure=$$?; cat .lab/pure.log; [ $$real = 0 ] && [ $$pure = 0 ]

# Calls, pages and CRMs in real time are spoiled where others take the machine: what failed is played
# once more by itself, and that counts; both runs are printed. What hangs for ten minutes ends with the
# place where it hangs.
define PLAY
rm -rf $(1); $(PY) -m pytest -q $(HANGS) -o cache_dir=$(1) $(3) $(2) || { \
	    echo "what failed is played once more, by itself"; \
	    $(PY) -m pytest -q $(HANGS) -o cache_dir=$(1) --last-failed --last-failed-no-failures none $(2); }
endef
HANGS := -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true
PURE := tests/unit tests/scenarios tests/contract tests/web tests/faults --ignore $(MIXED) --ignore $(ON_THE_LINE)
REAL := tests/line $(ON_THE_LINE) tests/browser

test-pure: setup
	@bash docker/system-packages.sh postgres crms
	@$(PY) -m tests.support.crms.prepare
	@$(PY) -m pytest -q $(MIXED)   # in a process of its own: behind the API's drawn requests it draws far more
	@$(call PLAY,.pytest_cache/pure,$(PURE),-n 2 --dist loadfile)

# One test at a time: each has Asterisk or Chromium to itself.
test-real: setup
	@bash docker/system-packages.sh lab browser
	@$(HOTLINE) lab prepare
	@$(call PLAY,.pytest_cache/real,$(REAL))

lint: setup
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

bench: setup
	@bash docker/system-packages.sh lab
	@$(PY) -m benchmarks

soak: setup
	@bash docker/system-packages.sh lab clock postgres images
	@HOTLINE_SOAK=1 $(PY) -m pytest -q tests/unit tests/contract tests/web --ignore $(DAY)
	@HOTLINE_SOAK=1 $(PY) -m pytest -s $(DAY)
	@HOTLINE_SOAK=1 $(PY) -m pytest tests/line/test_live_records.py tests/line/test_queue_book.py tests/line/test_garbage.py
	@HOTLINE_SOAK=1 $(PY) -m pytest -s tests/line/test_callback_load.py
	@HOTLINE_SOAK=1 $(PY) -m pytest -s $(ON_THE_LINE)
	@bash docker/soak.sh

# A thousand calls to each CRM with a fifth of the requests failing, each fault by itself: hours.
# HOTLINE_FAULTS=mixed: all faults in one run. HOTLINE_FAULTS_CALLS=100 makes it a hundred.
faults: setup
	@bash docker/system-packages.sh lab
	@HOTLINE_FAULTS=$${HOTLINE_FAULTS:-each} $(PY) -m pytest -q tests/faults --ignore $(ON_THE_LINE)

# The lock file carries hashes and no host names; it is made for every Python ≥ 3.11 at once.
lock:
	@$(PYTHON) -m venv /tmp/hotline-lock && /tmp/hotline-lock/bin/pip install --quiet uv
	@/tmp/hotline-lock/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    --quiet -o requirements.lock docker/build-requirements.in
	@/tmp/hotline-lock/bin/uv pip compile --group audit --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    --quiet -o audit.lock

# Known weaknesses of what is locked. It asks a service on the network, so it is no part of `make test`;
# --strict: what could not be looked up is a failure too, not silence.
audit: $(AUDIT)/.installed
	@$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock

# What is in it, for whoever asks (CycloneDX): every package as installed from the lock, with its licence
# and what needs it. The tools once installed, it needs no network.
sbom: setup $(AUDIT)/.installed
	@$(AUDIT)/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application \
	    --sv 1.6 --output-reproducible --of JSON -o sbom.cdx.json $(PY)
	@echo "sbom.cdx.json"

$(AUDIT)/.installed: audit.lock
	@test -x $(AUDIT)/bin/python || $(PYTHON) -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r audit.lock
	@touch $@

clean:
	@rm -rf $(VENV) $(AUDIT) sbom.cdx.json .pytest_cache .mypy_cache .ruff_cache .hypothesis .lab
