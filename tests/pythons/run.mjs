// On a CPython that Pyodide ships, run tests, and carry all samples through every format and back:
// node run.mjs PYODIDE SITE TOOLS REPOSITORY TEST..., where SITE has sopstatus and pydicom, TOOLS pytest
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';

const [place, site, tools, repository, ...tests] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(place, 'pyodide.mjs')).href);
const python = await loadPyodide({ indexURL: resolve(place), env: { HYPOTHESIS_PROFILE: 'mutants' } });
for (const [at, root] of Object.entries({ '/site': site, '/tools': tools, '/repository': repository })) {
  python.FS.mkdirTree(at);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: resolve(root) }, at);
}
python.globals.set('tests', python.toPy(tests));
const code = python.runPython(`
import os, sys
sys.path[:0] = ["/site", "/tools"]
sys.dont_write_bytecode = True
import pytest

class Told:
    def pytest_terminal_summary(self, terminalreporter):
        self.counts = {name: len(found) for name, found in terminalreporter.stats.items() if name}

told = Told()
os.chdir("/repository")
code = int(pytest.main(["-q", "-p", "no:sopstatus", "-p", "no:cacheprovider", "--capture=sys", *tests], [told]))
if not code:
    from sopstatus.cli import main
    os.chdir("/")
    code = main(["check"]) or main(["demo"])
    counts = ", ".join(f"{number} {name}" for name, number in told.counts.items())
    print("Python", sys.version.split()[0] + ":", counts + "; all samples carried" * (not code), flush=True)
code
`);
process.exit(code);
