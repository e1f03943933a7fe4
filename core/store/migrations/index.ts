import { foundation } from './0001-foundation.ts';
import { crmRecords } from './0002-crm-records.ts';

/** By the name of their file, in order. One that was applied anywhere is never changed: another follows it. */
export const migrations = {
  '0001-foundation': foundation,
  '0002-crm-records': crmRecords,
};
