import { memoryAccounts } from './memory-account.ts';
import { describeConformance } from './suite.ts';

/**
 * Nothing tells by itself, each write is a call of its own, nobody but us heeds our key, the search lags, and what got no answer
 * may be done half a minute later.
 */
describeConformance(
  'A CRM without webhooks, batches or keys',
  memoryAccounts({ batchSize: 1, writeClass: 'findable', searchLagMs: 5_000, wholeLines: true }).open,
);
