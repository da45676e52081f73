# The one door: make run, make test, make check, make bench.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NEWEST ?= python3.13
# what counts references, follows other libraries' private names or reads the syntax of sources
INTERPRETER := tests/accounting tests/config tests/formats tests/house tests/model tests/private tests/tracing
PEERS ?= /tmp/peers

.PHONY: run test newest interpreter check bench peers clean

run: $(VENV)/app  ## serve the app
	$(BIN)/streamlit run streamlit_app.py

test: $(VENV)/dev check  ## everything the tests need, then all tests
	$(BIN)/python tests/find_browser.py || $(BIN)/playwright install chromium
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile -m "not browser"
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile -m browser

newest:  ## what rests on the interpreter, on the newest Python that the pins allow, where there is one
	if $(NEWEST) --version; then $(MAKE) PYTHON=$(NEWEST) VENV=.venv-newest interpreter; fi

interpreter: $(VENV)/dev
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile $(INTERPRETER)

check: $(VENV)/dev  ## style, types, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev  ## print how fast the page answers
	$(BIN)/python -m benchmarks.interaction

peers:  ## time the model beside others, which live in an environment of their own
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --requirement requirements-dev.txt
	$(PEERS)/bin/pip install --quiet --no-deps --requirement requirements-peers.txt
	$(PEERS)/bin/python -m benchmarks.peers

$(VENV)/app: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/dev: requirements.txt requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	touch $(VENV)/app $@

clean:  ## forget the environment
	rm -rf $(VENV)
