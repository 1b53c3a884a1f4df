// SPDX-License-Identifier: MIT
/*
 * Chrome's DevTools and memlab open a heap snapshot: the program of examples/embedding writes one,
 * and both are asked who holds what. DevTools is its own code, from the package of its sources, by
 * which its panel works; no browser is needed.
 *
 * Usage: GAIT_SNAPSHOT_PROGRAM=PROGRAM node --test
 */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync, createReadStream} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {pathToFileURL} from 'node:url';
import {MessageChannel} from 'node:worker_threads';

const here = import.meta.dirname;
const PAGES = 2000, PAGE_BYTES = 500; // what the program's cache of one user holds
const BUFFER_BYTES = 65536;           // outside the heap, of one stream
const OUTSIDE = 'memory outside the heap';
let folder, file;

before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gait-devtools-'));
  file = path.join(folder, 'program.heapsnapshot');
  const said = execFileSync(process.env.GAIT_SNAPSHOT_PROGRAM, [file], {encoding: 'utf8'});
  assert.match(said, /stood still for [0-9.]+ ms/);
});

after(() => rmSync(folder, {recursive: true}));

// ---- memlab ----

test('memlab finds what holds the cache', async () => {
  const {utils, analysis, config} = (await import('@memlab/core')).default;
  config.muteConsole = true;
  const snapshot = await utils.getSnapshotFromFile(file, {buildNodeIdIndex: true});
  analysis.preparePathFinder(snapshot); // distances, paths, dominators, retained sizes
  const sessions = {};
  snapshot.nodes.forEach((node) => {
    const label = node.name === 'session' && node.getReference('label', 'property')?.toNode.name;
    if (label)
      sessions[label] = node;
  });
  assert.deepEqual(Object.keys(sessions).sort(), ['session of ann', 'session of bob']);
  const bob = sessions['session of bob'], ann = sessions['session of ann'];
  assert(bob.retainedSize > PAGES * PAGE_BYTES, `${bob.retainedSize} bytes`);
  assert(ann.retainedSize < 1000, `${ann.retainedSize} bytes`);
  const stream = bob.references.find((edge) => edge.toNode.name === 'stream').toNode;
  assert(stream.retainedSize >= BUFFER_BYTES, `${stream.retainedSize} bytes`);
  assert.equal(stream.getReference(OUTSIDE, 'internal').toNode.self_size, BUFFER_BYTES);
  const holder = bob.pathEdge.fromNode;
  assert.equal(holder.name, 'static slots');
  assert.equal(holder.pathEdge.fromNode.id, snapshot.nodes.get(0).id);
});

// ---- Chrome's DevTools ----

/* What DevTools' own build generates: texts in other languages. */
const generated = {
  name: 'generated',
  setup(build) {
    build.onResolve({filter: /\/locales\.js$/}, ({path}) => ({path, namespace: 'generated'}));
    build.onLoad({filter: /.*/, namespace: 'generated'}, () => ({
      contents: 'export const LOCALES = ["en-US"], BUNDLED_LOCALES = [], ' +
                'DEFAULT_LOCALE = "en-US", REMOTE_FETCH_PATTERN = "", LOCAL_FETCH_PATTERN = "";',
    }));
  },
};

/* Its worker, as one file: it is written in TypeScript, in many. */
async function loadDevTools() {
  const {build} = await import('esbuild');
  const root = path.join(here, 'node_modules/chrome-devtools-frontend/front_end');
  const outfile = path.join(folder, 'worker.mjs');
  await build({
    entryPoints: [path.join(root, 'entrypoints/heap_snapshot_worker/heap_snapshot_worker.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    plugins: [generated],
    outfile,
  });
  // of ES2024, which DevTools' browser has and node from version 22 on
  Promise.withResolvers ??= function () {
    const made = {};
    made.promise = new Promise((resolve, reject) => Object.assign(made, {resolve, reject}));
    return made;
  };
  return import(pathToFileURL(outfile));
}

async function openByDevTools() {
  const {HeapSnapshot, HeapSnapshotLoader} = await loadDevTools();
  const loader = new HeapSnapshotLoader.HeapSnapshotLoader({sendEvent() {}});
  for await (const piece of createReadStream(file, {encoding: 'utf8'}))
    loader.write(piece);
  loader.close();
  const {port1, port2} = new MessageChannel();
  new HeapSnapshot.SecondaryInitManager(port2);
  const snapshot = await loader.buildSnapshot(port1);
  port1.close();
  return snapshot;
}

function nodesOf(snapshot) {
  const nodes = [];
  for (let i = 0; i < snapshot.nodeCount; i++)
    nodes.push(snapshot.createNode(i * snapshot.nodeFieldCount));
  return nodes;
}

test("Chrome's DevTools finds what holds the cache", async () => {
  const snapshot = await openByDevTools();
  const nodes = nodesOf(snapshot);
  const entries = nodes.filter((node) => node.name() === 'entry');
  assert.equal(entries.length, PAGES);
  // the summary's rows are kinds
  const rows = Object.values(snapshot.aggregatesWithFilter({}));
  const row = (name) => rows.find((one) => one.name === name);
  assert.equal(row('session').count, 2);
  assert.equal(row('entry').count, PAGES);
  assert(row('session').maxRet > PAGES * PAGE_BYTES);
  const outside = nodes.filter((node) => node.name() === OUTSIDE);
  assert.deepEqual(outside.map((node) => node.selfSize()), [BUFFER_BYTES]);
  assert.equal(new Set(nodes.map((node) => node.id())).size, nodes.length);
  // nothing is the system's, and nothing is held by weak edges alone
  const distances = entries.map((node) => node.distance());
  assert(Math.min(...distances) === 3 && Math.max(...distances) === PAGES + 2);
  // who keeps it
  const bob = nodes.filter((node) => node.name() === 'session')
                  .sort((one, other) => other.retainedSize() - one.retainedSize())[0];
  const keepers = [];
  for (let it = bob.retainers(); it.hasNext(); it.next())
    keepers.push(it.item().node().name());
  assert.deepEqual(keepers, ['static slots']);
  const found = snapshot.search({query: 'session of bob', caseSensitive: true}, {});
  assert.equal(found.length, 1);
});
