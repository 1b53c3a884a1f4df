// SPDX-License-Identifier: MIT
/*
 * Perfetto's trace processor, the part of its page that reads files and answers questions about
 * them, in a browser: as WebAssembly, with the page's own code around it. No package has it alone;
 * get-perfetto fetches it out of one.
 */
import assert from 'node:assert/strict';
import {createReadStream, existsSync, readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import path from 'node:path';

const FOLDER = path.join(import.meta.dirname, 'node_modules/.perfetto');
export const hasPerfetto = existsSync(FOLDER);
const TYPES = {'.mjs': 'text/javascript', '.js': 'text/javascript', '.wasm': 'application/wasm'};
/* The package has the processor of 32 bits only; a browser that knows 64 would ask for the other. */
const PROBE = 'this.useMemory64 = hasMemory64Support();';
const NO_PROBE = 'this.useMemory64 = false;';

function answer(request, response) {
  const name = path.basename(request.url);
  response.setHeader('Content-Type', TYPES[path.extname(name)] ?? 'text/html');
  if (name === '')
    response.end('<!DOCTYPE html><title>Perfetto</title>');
  else if (name === 'engine_bundle.node.js') {
    const text = readFileSync(path.join(FOLDER, name), 'utf8');
    assert(text.includes(PROBE));
    response.end(text.replace(PROBE, NO_PROBE));
  } else
    createReadStream(path.join(FOLDER, name)).on('error', () => response.writeHead(404).end())
        .pipe(response);
}

/* In the browser: open the text, and answer each question with a list of rows. */
async function askThere({text, questions}) {
  globalThis.process = {env: {NODE_ENV: 'production'}};
  const {EngineBase} = await import('/engine.mjs');
  const {port1, port2} = new MessageChannel();
  new Worker('/engine_bundle.node.js').postMessage(port1, [port1]);
  class Engine extends EngineBase {
    id = 'gait';
    mode = 'WASM';
    rpcSendRequestBytes(bytes) { port2.postMessage(bytes); }
    [Symbol.dispose]() {}
  }
  const engine = new Engine();
  port2.onmessage = ({data}) => engine.onRpcResponseBytes(data);
  await engine.parse(new TextEncoder().encode(text));
  await engine.notifyEof();
  const answers = [];
  for (const question of questions) {
    const result = await engine.query(question), rows = [];
    for (const it = result.iter({}); it.valid(); it.next())
      rows.push(result.columns().map((column) => {
        const value = it.get(column);
        return typeof value === 'bigint' ? Number(value) : value;
      }));
    answers.push(rows);
  }
  return answers;
}

/* What Perfetto answers to questions in SQL about the file. */
export async function askPerfetto(browser, file, questions) {
  const server = createServer(answer);
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const page = await browser.newPage();
  try {
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return await page.evaluate(askThere, {text: readFileSync(file, 'utf8'), questions});
  } finally {
    await page.close();
    server.close();
  }
}
