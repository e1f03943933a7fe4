import { distribute } from '@sangam/core/store';
import { readCommandLine } from './command-line.ts';
import { onDatabase, runCommand } from './database-command.ts';

/** `npm run distribute`: spreads the database over the nodes of a Citus, or what came new since it was. */
await runCommand(async () => {
  readCommandLine('npm run distribute', {});
  await onDatabase(async (databaseUrl) => {
    const { byWorkspace, onEveryNode, onCoordinator, spread, nodes } = await distribute(databaseUrl);
    process.stdout.write(
      `Nodes: ${String(nodes)}. Tables spread over them by workspace: ${String(byWorkspace.length)}; on every node: ` +
        `${String(onEveryNode.length)}; on the coordinator alone: ${String(onCoordinator.length)}.\n` +
        (spread.length === 0 ? 'All were so before.\n' : `New: ${spread.join(', ')}.\n`),
    );
  });
});
