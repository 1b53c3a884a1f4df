// SPDX-License-Identifier: MIT
/*
 * speedscope's own page, from its package, in a browser, opens a file as its command does.
 * CHROMIUM names the browser.
 */
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {chromium} from 'playwright-core';

const INDEX = path.join(import.meta.dirname, 'node_modules/speedscope/dist/release/index.html');

/* The page, when the file is there; what it says on its console goes to heard. */
export async function openInSpeedscope(browser, file, heard = () => {}) {
  const name = path.basename(file), script = `${file}.js`;
  const text = readFileSync(file).toString('base64');
  writeFileSync(script, `speedscope.loadFileFromBase64("${name}", "${text}")`);
  const page = await browser.newPage();
  page.on('dialog', (dialog) => dialog.dismiss()); // an alert: its page stays what it was
  page.on('console', (message) => heard(message.text()));
  await page.goto(`${pathToFileURL(INDEX)}#localProfilePath=${script}`);
  await page.waitForFunction((name) => document.title.startsWith(name), name, {timeout: 60000});
  return page;
}

export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
           '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}
