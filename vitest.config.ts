import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{core,connectors,service,sandbox,test}/**/*.test.ts'],
    globalSetup: './test/harness/global-setup.ts',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
