# A walk with deep learning. `make course` is the main job, `make test` checks it, `make serve` opens it.

PYTHON  ?= python3
VENV    := .venv
PY      := $(VENV)/bin/python
PIP     := $(PY) -m pip install --disable-pip-version-check --no-warn-script-location
NPM_CI  := npm ci --silent --no-audit --no-fund --ignore-scripts
BROWSER ?= 1
PORT    ?= 8000
JOBS    ?= 2
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export BROWSER
SHELL   := bash -o pipefail
CPU     := PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
one_line = awk '/^ *(Collecting|Downloading|Installing)/ {printf "\r\033[K  %s", substr($$0, 1, 76); fflush()} END {print "\r\033[K"}'
step = @printf '\n\033[1m%s\033[0m\n' '$(1)'

.PHONY: course test quick lint mutants site quarto serve bench chapter refresh slow clean help setup tools
.DEFAULT_GOAL := help
.NOTPARALLEL:

course: setup ## set up, run what changed, build the site into _docs/ (the main job)
	$(call step,Running the notebooks; $(JOBS) at a time)
	@$(PY) tools/run.py run -j $(JOBS)
	@$(PY) tools/readme.py
	$(call step,Building the site)
	@$(PY) tools/site.py
	@printf '\nThe course is in _docs/. Read it with:  make serve\n'

test: tools ## every check; ends with one line "N passed, N failed"
	@$(PY) tools/site.py
	$(call step,Checking; $(JOBS) at a time)
	@$(PY) -m pytest -q -n $(JOBS) --dist loadfile tests

quick: tools ## check only what changed since the last commit, in under a minute
	@$(PY) tools/quick.py

lint: tools ## how the code is written: ruff, prettier, eslint, pyright
	@$(PY) tools/lint.py

mutants: setup ## change each shown solution in one place and see whether its checker refuses
	@$(PY) tools/mutants.py -j $(JOBS)

site: setup ## build the site from what the notebooks hold
	@$(PY) tools/site.py

quarto: setup ## the same site, rendered by Quarto
	@command -v quarto >/dev/null || { echo 'Quarto is not installed; `make site` does without it.'; exit 1; }
	@$(PY) tools/site.py prepare && quarto render

serve: ## open the built site at http://localhost:8000
	@test -f _docs/index.html || { echo 'Nothing built yet: run `make course` first.'; exit 1; }
	@echo 'http://localhost:$(PORT)  (Ctrl-C stops)'; $(PY) tools/serve.py $(PORT)

bench: setup ## our short code beside the libraries that people use, in one run
	@for f in benchmarks/*.py; do $(PY) $$f; done

chapter: setup ## lay out an empty chapter that passes the checks: make chapter NAME=45_topic TITLE='A title'
	@$(PY) tools/chapter.py "$(NAME)" "$(TITLE)"

refresh: setup ## run everything and keep this machine's timings too
	@$(PY) tools/run.py run --refresh -j $(JOBS)

slow: setup ## retrain the checkpoints and repeat the experiments over their seeds
	@$(PY) tools/run.py run --flags "slow online" --refresh -j $(JOBS)

clean: ## remove what was built; keeps the environment and the data cache
	rm -rf _build _docs* _proc dist build *.egg-info
	git clean -fdXq nbs

help: ## this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

# ---- set-up: each step leaves a stamp, so that it is done once and a second run needs no network ----

setup: $(VENV)/.installed node_modules/.installed
	@$(VENV)/bin/nbdev_export
	@$(VENV)/bin/walkdl data get >/dev/null

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'walkdl needs Python 3.11 or newer; name one with:  make course PYTHON=/path/to/python3.12'; exit 1; }
	$(call step,Making .venv)
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: settings.ini constraints.txt | $(VENV)/bin/python
	$(call step,Installing the pinned packages (a few minutes; once))
	@test $$(uname) != Linux -o -n "$$PIP_EXTRA_INDEX_URL" || printf '  7 GB; without CUDA 4 GB less:  $(CPU) make course\n'
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip >/dev/null
	@$(PIP) -c constraints.txt setuptools wheel \
	  $$($(PY) -c "from configparser import ConfigParser as C; c = C(delimiters=['=']); c.read('settings.ini'); d = c['DEFAULT']; print(d['requirements'], d['dev_requirements'])") | $(one_line)
	@PYTHONWARNINGS=ignore $(PIP) --quiet --no-build-isolation --no-deps -e .
	@touch $@

node_modules/.installed: package.json package-lock.json | $(VENV)/.installed
	$(call step,Installing the browser libraries)
	@$(NPM_CI) --omit=dev --omit=optional
	@touch $@

# the tools that check, and a browser where the machine has none
tools: node_modules/.tools setup
	@$(PY) tests/browser.py || test "$(BROWSER)" = 0 -o -d node_modules/@sparticuz || $(NPM_CI)

node_modules/.tools: package.json package-lock.json | $(VENV)/.installed
	$(call step,Installing the tools that check)
	@$(NPM_CI) $$(! $(PY) tests/browser.py || echo --omit=optional)
	@touch $@ node_modules/.installed
