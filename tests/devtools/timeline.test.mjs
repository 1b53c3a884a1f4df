// SPDX-License-Identifier: MIT
/*
 * Perfetto, chrome://tracing and speedscope open a timeline, which is in Chrome's Trace Event Format:
 * each by its own code, which complains where events of a row overlap. The program of
 * tests/stress/traces.c has written the trace, of two heaps.
 *
 * Usage: GAIT_TRACES_PROGRAM=PROGRAM node --test
 */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {askPerfetto, hasPerfetto} from './perfetto.mjs';
import {launchBrowser, openInSpeedscope} from './speedscope.mjs';

const {importTrace} = createRequire(import.meta.url)('./trace-viewer.cjs');
const ROWS = ['cycles', 'gait-collect', 'phases'];
let folder, file, browser, page, events;
const heard = [];

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gait-timeline-'));
  file = path.join(folder, 'run.json');
  execFileSync(process.env.GAIT_TRACES_PROGRAM, ['1', '1', file]);
  events = JSON.parse(readFileSync(file, 'utf8'));
  browser = await launchBrowser();
  page = await openInSpeedscope(browser, file, (text) => heard.push(text));
});

after(async () => {
  await browser?.close();
  rmSync(folder, {recursive: true});
});

test('speedscope shows the rows of both heaps of a timeline', async () => {
  await page.keyboard.press('t'); // its list of rows
  await page.getByText('Total Weight').waitFor({timeout: 60000});
  const rows = await page.locator('body').innerText();
  for (const heap of ['heap 1 of', 'heap 2 of'])
    for (const row of ['gait-collect', 'cycles', 'phases'])
      assert.match(rows, new RegExp(`${heap} [^\n]*, ${row} \\(tid`));
});

test('speedscope has no complaint of a timeline', () => {
  assert.deepEqual(heard.filter((text) => !/^(Importing|import|speedscope v|WebGL)/.test(text)), []);
});

/* What is in the file, by who reads JSON and nothing else. */
const lasting = () => events.filter(({ph}) => ph === 'X');
const cyclesOf = (process) =>
    events.filter(({ph, pid, name}) => ph === 'X' && pid === process && name === 'cycle').length;
const curvesOf = (process) => [...new Set(
    events.filter(({ph, pid}) => ph === 'C' && pid === process).map(({name}) => name))].sort();
const heaps = () => events.filter(({ph, name}) => ph === 'M' && name === 'process_name');

test('Perfetto has all events of a timeline, in their rows', {skip: !hasPerfetto}, async () => {
  const [errors, [[slices]], cycles, rows, curves] = await askPerfetto(browser, file, [
    `select name, value from stats where severity in ('error', 'data_loss') and value > 0`,
    `select count(*) from slice where name not in ('end', 'limiter', 'dropped')`,
    `select p.pid, count(*), min(s.dur) > 0 from slice s join thread_track t on s.track_id = t.id
       join thread using (utid) join process p using (upid) where s.name = 'cycle' group by 1`,
    `select distinct p.name, t.name from slice s join thread_track tt on s.track_id = tt.id
       join thread t using (utid) join process p using (upid)`,
    `select distinct p.name, substr(t.name, 1, instr(t.name || ' ', ' ') - 1)
       from counter c join process_counter_track t on c.track_id = t.id join process p using (upid)`,
  ]);
  assert.deepEqual(errors, []);
  assert.equal(slices, lasting().length);
  assert.equal(heaps().length, 2);
  for (const {pid, args: {name}} of heaps()) {
    assert.deepEqual(cycles.find(([process]) => process === pid), [pid, cyclesOf(pid), 1]);
    const has = (list) => list.filter(([process]) => process === name).map(([, row]) => row);
    for (const row of ROWS)
      assert(has(rows).includes(row), `${row} of ${name}`);
    assert.deepEqual(has(curves).sort(), curvesOf(pid));
  }
});

test("chrome://tracing's importer has all events of a timeline, in their rows", () => {
  const model = importTrace(readFileSync(file, 'utf8'));
  assert.deepEqual(model.importWarnings.map(({message}) => message), []);
  let slices = 0;
  for (const {pid, args: {name}} of heaps()) {
    const process = model.processes[pid], threads = Object.values(process.threads);
    assert.equal(process.name, name);
    slices += threads.reduce((sum, {sliceGroup}) => sum + sliceGroup.length, 0);
    const row = (name) => threads.find((thread) => thread.name === name).sliceGroup.slices;
    ROWS.forEach((name) => assert(row(name).length > 0, name));
    assert.equal(row('cycles').length, cyclesOf(pid));
    assert(row('cycles').every(({title, duration}) => title === 'cycle' && duration > 0));
    assert.deepEqual(Object.values(process.counters).map((one) => one.name).sort(),
                     curvesOf(pid));
  }
  assert.equal(slices, lasting().length);
});

test('both complain of what is none', {skip: !hasPerfetto}, async () => {
  const broken = path.join(folder, 'broken.json');
  const event = (ts) => ({ph: 'X', pid: 1, tid: 1, name: 'one', ts, dur: 10});
  const text = JSON.stringify([event(0), event(5)]);
  writeFileSync(broken, text);
  const [errors] = await askPerfetto(browser, broken, [
    `select name from stats where severity in ('error', 'data_loss') and value > 0`,
  ]);
  assert(errors.length > 0);
  assert(importTrace('[{"ph":"?","pid":1,"tid":1,"ts":0}]').importWarnings.length > 0);
});
