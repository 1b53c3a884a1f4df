// SPDX-License-Identifier: MIT
/*
 * What chrome://tracing reads a file with: the importer and the model of its own package, which is
 * written as HTML imports and brings a loader for them. Its index.js asks a script in Python 2 for
 * the folders below, and is left out for that.
 */
const path = require('node:path');

const root = path.dirname(require.resolve('traceviewer/package.json'));
const FOLDERS = ['tracing', 'tracing/third_party', 'tracing/third_party/jszip',
                 'tracing/third_party/gl-matrix/dist', 'tracing/third_party/d3',
                 'tracing/third_party/chai', 'tracing/third_party/mocha'];
const PARTS = ['/tracing/importer/import.html', '/tracing/model/model.html',
               '/tracing/extras/importer/trace_event_importer.html'];

require(path.join(root, 'catapult_build/node_bootstrap.js'));
const loader = globalThis.HTMLImportsLoader;
loader.addArrayToSourcePath(FOLDERS.map((folder) => path.join(root, folder)));
PARTS.forEach((part) => loader.loadHTML(part));

/* The model of a file's text. */
module.exports.importTrace = (text) => {
  const {Model, importer} = globalThis.tr;
  const model = new Model(), options = new importer.ImportOptions();
  options.showImportWarnings = false;
  new importer.Import(model, options).importTraces([text]);
  return model;
};
