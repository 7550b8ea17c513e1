// node medplum_hl7.mjs NODE_MODULES: reads HL7 messages as a JSON list from stdin, and writes what
// Medplum's parser finds in each: segments of fields.
import fs from 'fs';

const core = await import(`${process.argv[2]}/@medplum/core/dist/esm/index.mjs`);
const found = JSON.parse(fs.readFileSync(0, 'utf-8')).map((text) =>
  core.Hl7Message.parse(text).segments.map((segment) => segment.fields.map(String))
);
console.log(JSON.stringify(found));
