// SPDX-License-Identifier: MIT
/*
 * speedscope opens a heap profile. The program of tests/pprof/dump.c, of which nothing dies, has
 * written the profile.
 *
 * Usage: GAIT_PROFILE_PROGRAM=PROGRAM LD_LIBRARY_PATH=FOLDERS node --test
 */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {launchBrowser, openInSpeedscope} from './speedscope.mjs';

const LIVE_MIB = 200000 * 48 / 1048576; // the program's list
let folder, browser, page;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gait-speedscope-'));
  const file = path.join(folder, 'list.pb.gz');
  execFileSync(process.env.GAIT_PROFILE_PROGRAM, [], {
    input: '',
    env: {...process.env, GAIT_DEBUG: `heapprofile=${file},memprofilerate=1`},
  });
  browser = await launchBrowser();
  page = await openInSpeedscope(browser, file);
});

after(async () => {
  await browser?.close();
  rmSync(folder, {recursive: true});
});

test('speedscope shows what is live of a heap profile, by function', async () => {
  await page.keyboard.press('3'); // its table
  const row = page.locator('tr', {hasText: 'make_list'}).first();
  await row.waitFor({timeout: 60000});
  const [, total] = /([0-9.]+) MB/.exec(await row.innerText());
  assert(Math.abs(total - LIVE_MIB) < 0.01, `${total} MB of ${LIVE_MIB}`);
});
