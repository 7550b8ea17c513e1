// Carry all samples through every format and back on a CPython that Pyodide ships:
// node run.mjs PYODIDE SITE, where SITE has sopstatus and pydicom
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';

const [place, site] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(place, 'pyodide.mjs')).href);
const python = await loadPyodide({ indexURL: resolve(place) });
python.FS.mkdirTree('/site');
python.FS.mount(python.FS.filesystems.NODEFS, { root: resolve(site) }, '/site');
const code = python.runPython(`
import sys
sys.path.insert(0, "/site")
sys.dont_write_bytecode = True
from sopstatus.cli import main
code = main(["check"]) or main(["demo"])
print("Python", sys.version.split()[0], "exit code", code, flush=True)
code
`);
process.exit(code);
