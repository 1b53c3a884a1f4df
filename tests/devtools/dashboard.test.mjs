// SPDX-License-Identifier: MIT
/*
 * The dashboard is what Grafana takes for one: its JSON, as TypeScript, has the types that Grafana
 * itself has for dashboards. That Prometheus answers its questions, tests/http/http_test.py says.
 */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import ts from 'typescript';

const here = import.meta.dirname;
const dashboard = readFileSync(path.join(here, '../../docs/dashboard.json'), 'utf8');

/** What TypeScript says of a dashboard. */
function complaints(json) {
  const name = path.join(here, 'dashboard.ts'); // nowhere but here
  const source = `import type {Dashboard} from '@grafana/schema';
export const dashboard: Dashboard = ${json};
`;
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const {fileExists, readFile} = host;
  host.fileExists = (file) => file === name || fileExists(file);
  host.readFile = (file) => file === name ? source : readFile(file);
  const program = ts.createProgram([name], options, host);
  return ts.getPreEmitDiagnostics(program)
      .map((one) => ts.flattenDiagnosticMessageText(one.messageText, ' '));
}

test('the dashboard has the types of Grafana', () => {
  assert.deepEqual(complaints(dashboard), []);
});

test('what is none is told', () => {
  assert.notDeepEqual(complaints(dashboard.replace('"panels"', '"panel"')), []);
  assert.notDeepEqual(complaints(dashboard.replace('"min": 0', '"min": "none"')), []);
  assert.notDeepEqual(complaints(dashboard.replace('"gridPos"', '"gridPosition"')), []);
});
