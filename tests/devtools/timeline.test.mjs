// SPDX-License-Identifier: MIT
/*
 * speedscope opens a timeline: it is one of those that read Chrome's Trace Event Format, and it
 * complains where events of a row overlap. The program of tests/stress/traces.c has written the trace,
 * of two heaps.
 *
 * Usage: GAIT_TRACES_PROGRAM=PROGRAM node --test
 */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {launchBrowser, openInSpeedscope} from './speedscope.mjs';

let folder, browser, page;
const heard = [];

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gait-timeline-'));
  const file = path.join(folder, 'run.json');
  execFileSync(process.env.GAIT_TRACES_PROGRAM, ['1', '1', file]);
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
