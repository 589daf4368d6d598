// Opens one file in Chromium, on a phone and on a desk, in light and in dark, and says what is wrong with it, as a JSON list of
// sentences: what axe objects to, what the console says, what the page asks for beside itself, what does not fit the screen, and
// what a keyboard cannot do. Each view is left behind as a picture.
const [modules, executablePath, file, pictures] = process.argv.slice(1);
const path = require('node:path');
const { chromium } = require(path.resolve(modules, 'playwright-core'));
const { source } = require(path.resolve(modules, 'axe-core'));
const address = require('node:url').pathToFileURL(file).href;

// Without these it asks for its maker's hosts at every start.
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

async function open(browser, width, colorScheme, complain) {
  const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
  page.on('console', (message) => complain(`the console says ${message.text()}`));
  page.on('pageerror', (error) => complain(`a script failed: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== address && !request.url().startsWith('data:')) complain(`it asks for ${request.url()}`);
  });
  await page.goto(address);
  return page;
}

async function view(browser, width, scheme, complain) {
  const page = await open(browser, width, scheme, complain);
  const name = `${path.parse(file).name}-${scheme}-${width}.png`;
  await page.screenshot({ path: path.join(pictures, name), fullPage: true });
  // Axe is evaluated, since no script may stand in the page; and with all unfolded, since it sees no more than people do.
  await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ rules: { 'target-size': { enabled: true } } }));
  violations.forEach(({ id, nodes }) => complain(`axe: ${id}: ${nodes[0].html}: ${nodes[0].failureSummary}`));
  if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) complain('it is wider than the screen');
  const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.close();
  return paper;
}

async function keyboard(browser, complain) {
  const page = await open(browser, 1280, 'light', complain);
  const focused = () => page.evaluate(() => document.activeElement.tagName);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  if (await focused() !== 'MAIN') complain('the first link does not lead into the main part');
  const folded = await page.evaluate(() => document.querySelectorAll('summary').length);
  for (let i = 0; i < 200 && folded && await focused() !== 'SUMMARY'; i += 1) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const unfolded = await page.evaluate(() => document.querySelectorAll('details[open]').length);
  if (folded && unfolded !== 1) complain('the keyboard does not open details');
}

async function main() {
  const browser = await chromium.launch({ executablePath, args });
  const complaints = [];
  for (const width of [360, 1280]) {
    const papers = [];
    for (const scheme of ['light', 'dark']) {
      papers.push(await view(browser, width, scheme, (text) => complaints.push(`${width} px, ${scheme}: ${text}`)));
    }
    if (papers[0] === papers[1]) complaints.push(`${width} px: dark is no other than light`);
  }
  await keyboard(browser, (text) => complaints.push(text));
  await browser.close();
  process.stdout.write(JSON.stringify(complaints));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
