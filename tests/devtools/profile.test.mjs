// SPDX-License-Identifier: MIT
/*
 * speedscope opens a heap profile: its own page, from its package, in a browser, as its command opens
 * a file. The program of tests/pprof/dump.c, of which nothing dies, has written the profile.
 *
 * Usage: GAIT_PROFILE_PROGRAM=PROGRAM LD_LIBRARY_PATH=FOLDERS node --test
 * CHROMIUM names the browser.
 */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {pathToFileURL} from 'node:url';
import {chromium} from 'playwright-core';

const here = import.meta.dirname;
const LIVE_MIB = 200000 * 48 / 1048576; // the program's list
let folder, browser, page;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gait-speedscope-'));
  const file = path.join(folder, 'list.pb.gz'), script = path.join(folder, 'list.js');
  execFileSync(process.env.GAIT_PROFILE_PROGRAM, [], {
    input: '',
    env: {...process.env, GAIT_DEBUG: `heapprofile=${file},memprofilerate=1`},
  });
  const text = readFileSync(file).toString('base64');
  writeFileSync(script, `speedscope.loadFileFromBase64("list.pb.gz", "${text}")`);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
           '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  page = await browser.newPage();
  page.on('dialog', (dialog) => dialog.dismiss()); // an alert: its page stays what it was
  const index = path.join(here, 'node_modules/speedscope/dist/release/index.html');
  await page.goto(`${pathToFileURL(index)}#localProfilePath=${script}`);
});

after(async () => {
  await browser?.close();
  rmSync(folder, {recursive: true});
});

test('speedscope shows what is live of a heap profile, by function', async () => {
  await page.waitForFunction(() => document.title.startsWith('list.pb.gz'), null, {timeout: 60000});
  await page.keyboard.press('3'); // its table
  const row = page.locator('tr', {hasText: 'make_list'}).first();
  await row.waitFor({timeout: 60000});
  const [, total] = /([0-9.]+) MB/.exec(await row.innerText());
  assert(Math.abs(total - LIVE_MIB) < 0.01, `${total} MB of ${LIVE_MIB}`);
});
