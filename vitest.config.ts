import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{core,connectors,service,sandbox,test}/**/*.test.ts'],
    globalSetup: './test/harness/global-setup.ts',
    pool: 'forks',
    maxWorkers: 2,
    // For tests that hang, not for a busy machine: what takes seconds alone takes minutes beside eight others.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
