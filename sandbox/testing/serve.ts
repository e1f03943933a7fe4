import { startWorld } from './world.ts';

/** A sandbox in a process of its own, for tests that kill it. Argument: the journal's folder. Prints its port. */
const world = await startWorld({ dataDir: process.argv[2] ?? '' });
process.stdout.write(`${String(world.port)}\n`);
