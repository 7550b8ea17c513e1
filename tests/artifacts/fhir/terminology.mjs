// node terminology.mjs NODE_MODULES CACHE: reads {package, codes, valueSet} from stdin, and writes for each
// code what Outburn's terminology runtime says of it against the package in the cache. No network: the
// registry is an address that refuses at once.
import fs from 'fs';

const [modules, cachePath] = process.argv.slice(2);
const load = async (name) => import(`${modules}/${name}/dist/index.mjs`).catch(() => import(`${modules}/${name}/dist/index.js`));
const { FhirPackageExplorer } = await load('fhir-package-explorer');
const { FhirTerminologyRuntime } = await load('fhir-terminology-runtime');
const given = JSON.parse(fs.readFileSync(0, 'utf-8'));
const silent = { info() {}, warn() {}, error() {} };
const fpe = await FhirPackageExplorer.create({
  context: [given.package], cachePath, fhirVersion: '4.0.1', skipExamples: true,
  registryUrl: 'https://127.0.0.1:9', logger: silent,
});
const runtime = await FhirTerminologyRuntime.create({ fpe, cacheMode: 'none', fhirVersion: '4.0.1', logger: silent });
const said = [];
for (const code of given.codes) said.push(await runtime.inValueSet(code, given.valueSet));
console.log(JSON.stringify(said));
