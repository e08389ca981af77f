// Reads a Salesforce project as `sf project deploy` does: finds its components, holds each against
// the Metadata API's own types, turns all into what is deployed, and that back into a project.
// It is given the source folder and one to work in, and prints one line of JSON.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ComponentSet, MetadataConverter } from '@salesforce/source-deploy-retrieve';

const { ApiSchemas } = createRequire(import.meta.url)('@jsforce/jsforce-node/lib/api/metadata/schema.js');
const [source, work] = process.argv.slice(2);
const NEWER = new Set(['FlexiPage']); // the list of types is older than fields on pages
const problems = [];

function props(type) {
  const own = ApiSchemas[type];
  return own.extends ? { ...props(own.extends), ...own.props } : own.props;
}

function hold(value, type, place) {
  const known = props(type);
  for (const [name, found] of Object.entries(value)) {
    if (name.startsWith('@') || name === '#comment') continue;
    if (!(name in known)) {
      problems.push(`${place}: ${type} has no ${name}`);
      continue;
    }
    const many = Array.isArray(known[name]);
    const wanted = (many ? known[name][0] : known[name]).replace('?', '');
    if (Array.isArray(found) && !many) problems.push(`${place}: ${name} stands there twice`);
    for (const one of Array.isArray(found) ? found : [found]) {
      if (wanted in ApiSchemas) hold(one, wanted, `${place}/${name}`);
      else if (wanted === 'boolean' && !['true', 'false'].includes(one)) problems.push(`${place}: ${name} is ${one}`);
      else if (wanted === 'number' && !/^\d+$/.test(one)) problems.push(`${place}: ${name} is ${one}`);
    }
  }
  for (const [name, kind] of Object.entries(known)) {
    const optional = Array.isArray(kind) || kind.startsWith('?');
    if (!optional && !(name in value)) problems.push(`${place}: ${type} lacks ${name}`);
  }
}

function named(set) {
  const found = {};
  for (const component of set.getSourceComponents()) {
    for (const one of [component, ...component.getChildren()]) {
      if (one.xml) (found[one.type.name] ??= []).push(one.fullName);
    }
  }
  for (const names of Object.values(found)) names.sort();
  return found;
}

const set = ComponentSet.fromSource({ fsPaths: [source] });
const files = [];
for (const component of set.getSourceComponents()) {
  for (const one of [component, ...component.getChildren()]) {
    if (!one.xml) continue;
    files.push(one.xml);
    const root = Object.values(await one.parseXml())[0];
    if (one.type.name in ApiSchemas) {
      if (!NEWER.has(one.type.name)) hold(root, one.type.name, one.fullName);
    } else problems.push(`${one.fullName}: there is no type ${one.type.name}`);
  }
}
const converter = new MetadataConverter();
const deployed = join(work, 'deployed');
await converter.convert(set, 'metadata', { type: 'directory', outputDirectory: deployed, genUniqueDir: false });
const sent = ComponentSet.fromSource({ fsPaths: [deployed] });
const returned = join(work, 'returned');
await converter.convert(sent, 'source', { type: 'directory', outputDirectory: returned, genUniqueDir: false });
const back = named(ComponentSet.fromSource({ fsPaths: [returned] }));
console.log(JSON.stringify({ found: named(set), back, files, problems }));
