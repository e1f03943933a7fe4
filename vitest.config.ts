import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/harness/longest-first.ts';

/** What keeps nothing for the next file: its files share a process, and what it imports is imported once. */
const shared = ['{connectors,sandbox}/**/*.test.ts', 'core/!(pipeline|store|work)/**/*.test.ts'];

export default defineConfig({
  test: {
    globalSetup: './test/harness/global-setup.ts',
    pool: 'forks',
    // More than there are cores: much of what tests do is to wait.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'shared', include: shared, isolate: false } },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ['{core,service,test}/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...shared],
        },
      },
    ],
    // For tests that hang, not for a busy machine: what takes seconds alone takes minutes beside eight others.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
