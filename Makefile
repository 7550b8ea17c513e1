# Two commands do everything on a fresh machine with Python 3.11 or later:
#   make demo   the story of one image, and of every sample, in seconds
#   make test   lint, types and tests
PYTHON ?= python3
BIN := .venv/bin
# the environment is made anew when what it holds has changed
READY := .venv/.ready

.PHONY: site demo test lint types unit format docs long bench fuzz fuzz-ci launder mutants mllp-kill orthanc-kill foundry \
        spark archive-large pythons sbom licences constraints clean

demo: build/demo/.ready
	@build/demo/bin/sopstatus demo

# an environment of its own, with the package and pydicom alone; what setuptools left would be packed again
build/demo/.ready: pyproject.toml setup.py $(shell find plugin mappings samples -type f -not -path '*/__pycache__/*' -not -path '*.egg-info/*')
	@rm -rf build/lib build/bdist.*
	@test -x build/demo/bin/python || $(PYTHON) -m venv build/demo
	@build/demo/bin/python -m pip install -qq --disable-pip-version-check --force-reinstall --no-deps .
	@build/demo/bin/python -m pip install -qq --disable-pip-version-check .
	@touch build/demo/.ready

test: lint types unit

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

unit: $(READY)
	$(BIN)/pytest -n auto --dist worksteal

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# the pages that are made of the catalogue and of the tests' cases
docs: $(READY)
	for page in command:commands api:api; do \
	  PYTHONPATH=tools $(BIN)/python -m docs.$${page%:*}_page > docs/$${page#*:}.md.part && \
	  mv docs/$${page#*:}.md.part docs/$${page#*:}.md || exit 1; done
	PYTHONPATH=tools $(BIN)/python -m docs.issue_page
	PYTHONPATH=tools $(BIN)/python -m docs.value_page > docs/values.md.part
	mv docs/values.md.part docs/values.md
	for kind in fhir hl7; do \
	  PYTHONPATH=tools $(BIN)/python -m docs.digests $$kind > docs/$$kind/digests.txt.part && \
	  mv docs/$$kind/digests.txt.part docs/$$kind/digests.txt || exit 1; done
	$(BIN)/sopstatus artifacts build/artifacts --only docs --only fhir --only hl7 >/dev/null
	$(BIN)/sopstatus artifacts docs --only schema >/dev/null
	cp docs/schema/table.schema.json mappings/
	cd docs/fhir && for file in *.json; do cp ../../build/artifacts/fhir/r4/package/$$file .; done
	cp build/artifacts/docs/*.html docs/
	PYTHONPATH=tools $(BIN)/python -m docs.cloud_matrix docs/cloud.md
	cp build/artifacts/hl7/segments.md build/artifacts/hl7/tables.xml docs/hl7/

# the documentation as a site in build/site, with all that it loads: nothing is fetched when it is read. Python for
# the browser runs the wheel, which is built here
site: build/website/.ready build/pyodide/.ready build/iframe-worker/.ready
	rm -rf build/lib build/bdist.* build/website/wheels/sopstatus-*
	build/website/.venv/bin/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir build/website/wheels .
	NO_MKDOCS_2_WARNING=1 build/website/.venv/bin/mkdocs build --quiet --config-file website/mkdocs.yml

build/website/.ready: pyproject.toml
	$(PYTHON) -m venv build/website/.venv
	build/website/.venv/bin/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	build/website/.venv/bin/pip install --quiet --disable-pip-version-check --group site
	rm -rf build/website/wheels
	build/website/.venv/bin/pip download --quiet --disable-pip-version-check --no-deps --dest build/website/wheels "pydicom>=3,<4"
	mkdir -p build/mermaid
	npm pack --silent --pack-destination build/mermaid mermaid@11.17.2 >/dev/null
	tar -xzf build/mermaid/mermaid-11.17.2.tgz -C build/mermaid package/dist/mermaid.min.js
	touch build/website/.ready

# the site's search in a page that is opened from a folder
build/iframe-worker/.ready:
	mkdir -p build/iframe-worker
	npm pack --silent --pack-destination build/iframe-worker iframe-worker@1.0.4 >/dev/null
	tar -xzf build/iframe-worker/iframe-worker-1.0.4.tgz -C build/iframe-worker package/shim/index.js
	touch build/iframe-worker/.ready

build/pyodide/.ready: website/package.json
	mkdir -p build/pyodide
	cp website/package.json build/pyodide/
	npm install --prefix build/pyodide --no-package-lock --no-audit --no-fund --silent
	touch build/pyodide/.ready

# the laws, long: LAW_EXAMPLES each (100,000: hours)
long: $(READY)
	HYPOTHESIS_PROFILE=long $(BIN)/pytest -n auto --dist worksteal tests/laws

# every row beside its peers, in one run; writes docs/performance.md (BENCH=hl7: those rows, printed)
bench: build/bench/.ready build/start/.ready
	build/bench/bin/python -m compileall -q plugin
	cd tests && ../build/bench/bin/python -W ignore -m bench $(BENCH)

# the peers bring numpy and more, which the tests' environment is to be free of
build/bench/.ready: pyproject.toml
	$(PYTHON) -m venv build/bench
	build/bench/bin/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	build/bench/bin/pip install --quiet --disable-pip-version-check --group bench --editable ".[all]"
	touch build/bench/.ready

# the wheel as users get it, beside what it is compared with, for the rows of start-up
build/start/.ready: pyproject.toml setup.py $(shell find plugin mappings samples -type f -not -path '*/__pycache__/*' -not -path '*.egg-info/*')
	rm -rf build/lib build/bdist.*
	test -x build/start/bin/python || $(PYTHON) -m venv build/start
	build/start/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps .
	build/start/bin/python -m pip install --quiet --disable-pip-version-check ".[fhir,hl7]"
	touch build/start/.ready

# kill -9 of the forwarding listener under load (200: two to four minutes)
KILLS ?= 200
mllp-kill: $(READY)
	PYTHONPATH=tests $(BIN)/python -m engines.kill $(KILLS)

# kill -9 of Orthanc, and of a destination, in the middle of so many stores
STORES ?= 1000
orthanc-kill: $(READY)
	PYTHONPATH=tests $(BIN)/python -m engines.orthanc_kill $(STORES)

# MessageFoundry, for the tests that run it; AGPL, so apart from everything of ours
foundry: build/foundry/.ready

build/foundry/.ready: pyproject.toml
	$(PYTHON) -m venv build/foundry/.venv
	build/foundry/.venv/bin/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	build/foundry/.venv/bin/pip install --quiet --disable-pip-version-check --group foundry --editable .
	touch build/foundry/.ready

# an archive of FILES synthetic files (400 MB): scanned, killed, resumed; memory and speed are printed
FILES ?= 100000
archive-large: $(READY)
	cd tests && ../$(BIN)/python -m archive.large $(FILES)

# PySpark, for the tests that run it, so that everything else stays light; needs Java 17
spark: build/spark/.ready

build/spark/.ready: pyproject.toml
	$(PYTHON) -m venv build/spark
	build/spark/bin/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	build/spark/bin/pip install --quiet --disable-pip-version-check --editable ".[spark]"
	touch build/spark/.ready

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --group dev --editable ".[all]"
	touch $(READY)

# on the CPythons that Pyodide ships: all samples through every format and back, and these tests of the core
PYTHONS_RUN = tests/test_holder.py tests/test_values.py tests/codecs/hl7 tests/codecs/dicom tests/codecs/shared

pythons: $(READY) build/pythons/.ready
	rm -rf build/pythons/site build/lib build/bdist.*
	$(BIN)/pip install --quiet --disable-pip-version-check --target build/pythons/site .
	set -e; for version in 3.12 3.13 3.14; do \
	  node tests/pythons/run.mjs build/pythons/node_modules/pyodide-$$version build/pythons/site build/pythons/tools . \
	    $(PYTHONS_RUN) >build/pythons/$$version.log 2>&1 || \
	    { cut -c1-200 build/pythons/$$version.log | tail -40; exit 1; }; \
	  tail -1 build/pythons/$$version.log; done

build/pythons/.ready: tests/pythons/package.json tests/pythons/requirements.txt
	rm -rf build/pythons/tools
	mkdir -p build/pythons
	cp tests/pythons/package.json build/pythons/
	npm install --prefix build/pythons --no-package-lock --no-audit --no-fund --silent
	$(BIN)/pip install --quiet --disable-pip-version-check --target build/pythons/tools -r tests/pythons/requirements.txt
	touch build/pythons/.ready

# what sopstatus[all] installs here: as CycloneDX, and as a page
sbom: $(READY)
	$(BIN)/python tools/licences.py sbom > build/sbom.json

licences: $(READY)
	$(BIN)/python tools/licences.py > docs/licences.md

# the versions that the environment has now, for the tools that pyproject.toml names
constraints: $(READY)
	$(BIN)/python tools/constraints.py > constraints.txt.part
	mv constraints.txt.part constraints.txt

clean:
	rm -rf .venv build dist *.egg-info

# what the tests take from npm: validators for FHIR, axe-core
build/npm/.ready: tests/artifacts/fhir/package.json
	mkdir -p build/npm
	cp tests/artifacts/fhir/package.json build/npm/
	npm install --prefix build/npm --no-package-lock --no-audit --no-fund --silent
	touch build/npm/.ready

# coverage-guided fuzzing by hand: make fuzz TARGET=hl7 SECONDS=600
TARGET ?= hl7
SECONDS ?= 60
fuzz: $(READY) build/fuzz/.ready
	$(BIN)/python tests/fuzz/seeds.py build/fuzz
	$(BIN)/python tests/fuzz/fuzz.py $(TARGET) build/fuzz/$(TARGET) -dict=tests/fuzz/dictionary.txt -max_total_time=$(SECONDS)

# every target, two at a time (3 minutes); any crash, hang or bloat fails
fuzz-ci: $(READY) build/fuzz/.ready
	$(BIN)/python tests/fuzz/ci.py

build/fuzz/.ready: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check "atheris>=3,<4"
	mkdir -p build/fuzz
	touch build/fuzz/.ready

# malformed documents over every road, so many each: what pydicom and DCMTK read afterwards never says
# more than the record (ROADS: some of them)
VARIANTS ?= 2000
SEED ?= 1
launder: $(READY)
	cd tests && ../$(BIN)/python -W ignore -m malformed.launder $(VARIANTS) $(SEED) $(ROADS)

# mutation testing: make mutants MUTANTS='sopstatus.values.* sopstatus.codecs.shared.row_values.*'
MUTANTS ?= sopstatus.values.*
mutants: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check "mutmut>=3.8,<4"
	$(BIN)/python tests/mutation/stage.py build/mutation
	cd build/mutation && set -f && HYPOTHESIS_PROFILE=mutants ../../$(BIN)/mutmut run --max-children 2 $(MUTANTS)
	cd build/mutation && ../../$(BIN)/mutmut results
