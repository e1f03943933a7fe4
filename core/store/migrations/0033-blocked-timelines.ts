import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A right that lacks for timelines blocks timelines alone: records, and with them opt-outs, are written on. */
export const blockedTimelines: Migration = {
  async up(db) {
    await sql.raw(`alter table crm_connections add column timeline_blocked_reason text`).execute(db);
  },
};
