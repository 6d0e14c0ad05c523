# Two commands do everything on a machine with python3 (3.11 or newer, with venv) and make:
#   make demo   sets up .venv and renders the demo
#   make test   sets up .venv and passes the tests

PYTHON ?= python3
BIN := .venv/bin

# the tests' own processes share the cores; idle threads of numpy's and PyTorch's libraries would only spin
export OPENBLAS_NUM_THREADS = 1
export OMP_NUM_THREADS = 1

.PHONY: demo test lint clean

demo: .venv/.installed
	$(BIN)/render assets/demo/hello.flac --avatar person1 --emotion angry -o out/demo.mp4 --overwrite
	$(BIN)/render inspect out/demo.mp4 --png out/demo.png --overwrite

test: .venv/.installed-test lint
	$(BIN)/pytest -q -n 2

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	mkdir -p .typing && ln -sfn .. .typing/emosplat
	$(BIN)/pyright

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/.installed-test: .venv/.installed
	$(BIN)/pip install --quiet --editable '.[test]'
	touch $@

clean:
	rm -rf .venv .typing out
