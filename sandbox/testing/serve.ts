import { startSandboxFixture } from './sandbox-fixture.ts';

/** A sandbox in a process of its own, for tests that kill it. Argument: the journal's folder. Prints its port. */
const fixture = await startSandboxFixture({ dataDir: process.argv[2] ?? '' });
process.stdout.write(`${String(fixture.port)}\n`);
