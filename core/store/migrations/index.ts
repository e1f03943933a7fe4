import { foundation } from './0001-foundation.ts';
import { crmRecords } from './0002-crm-records.ts';
import { timelineDue } from './0003-timeline-due.ts';
import { outcomes } from './0004-outcomes.ts';
import { changesIn } from './0005-changes-in.ts';
import { whatsappReading } from './0006-whatsapp-reading.ts';
import { corrections } from './0007-corrections.ts';
import { silentAccounts } from './0008-silent-accounts.ts';
import { endedRecords } from './0009-ended-records.ts';
import { lists } from './0011-lists.ts';
import { provenNumbers } from './0012-proven-numbers.ts';
import { retention } from './0013-retention.ts';
import { seenByOps } from './0014-seen-by-ops.ts';
import { alertsSeen } from './0018-alerts-seen.ts';
import { foundedContacts } from './0019-founded-contacts.ts';
import { foreignOptOuts } from './0021-foreign-opt-outs.ts';
import { waysToConnect } from './0024-ways-to-connect.ts';
import { erasedValues } from './0025-erased-values.ts';
import { stretches } from './0026-stretches.ts';
import { endedConflicts } from './0027-ended-conflicts.ts';
import { dueList } from './0032-due-list.ts';
import { blockedTimelines } from './0033-blocked-timelines.ts';
import { callLimits } from './0036-call-limits.ts';
import { words } from './0037-words.ts';
import { erasedOptOuts } from './0043-erased-opt-outs.ts';
import { lettersOfRecords } from './0044-letters-of-records.ts';
import { connectionParts } from './0047-connection-parts.ts';
import { erasedTries } from './0048-erased-tries.ts';
import { erasedAt } from './0049-erased-at.ts';
import { accountFacts } from './0050-account-facts.ts';
import { deals } from './0051-deals.ts';
import { directoryApart } from './0052-directory-apart.ts';
import { lettersOfTimelines } from './0054-letters-of-timelines.ts';
import { createsInJournal } from './0055-creates-in-journal.ts';
import { erasedBases } from './0056-erased-bases.ts';
import { entryRests } from './0057-entry-rests.ts';
import { webhooksAskedFor } from './0060-webhooks-asked-for.ts';
import { untoldSince } from './0064-untold-since.ts';
import { basesAt } from './0066-bases-at.ts';
import { undelivered } from './0068-undelivered.ts';
import { pollLeases } from './0070-poll-leases.ts';
import { sends } from './0072-sends.ts';
import { media } from './0073-media.ts';

/** By the name of their file, in order. One that was applied anywhere is never changed: another follows it, under a number above all others. */
export const migrations = {
  '0001-foundation': foundation,
  '0002-crm-records': crmRecords,
  '0003-timeline-due': timelineDue,
  '0004-outcomes': outcomes,
  '0005-changes-in': changesIn,
  '0006-whatsapp-reading': whatsappReading,
  '0007-corrections': corrections,
  '0008-silent-accounts': silentAccounts,
  '0009-ended-records': endedRecords,
  '0011-lists': lists,
  '0012-proven-numbers': provenNumbers,
  '0013-retention': retention,
  '0014-seen-by-ops': seenByOps,
  '0018-alerts-seen': alertsSeen,
  '0019-founded-contacts': foundedContacts,
  '0021-foreign-opt-outs': foreignOptOuts,
  '0024-ways-to-connect': waysToConnect,
  '0025-erased-values': erasedValues,
  '0026-stretches': stretches,
  '0027-ended-conflicts': endedConflicts,
  '0032-due-list': dueList,
  '0033-blocked-timelines': blockedTimelines,
  '0036-call-limits': callLimits,
  '0037-words': words,
  '0043-erased-opt-outs': erasedOptOuts,
  '0044-letters-of-records': lettersOfRecords,
  '0047-connection-parts': connectionParts,
  '0048-erased-tries': erasedTries,
  '0049-erased-at': erasedAt,
  '0050-account-facts': accountFacts,
  '0051-deals': deals,
  '0052-directory-apart': directoryApart,
  '0054-letters-of-timelines': lettersOfTimelines,
  '0055-creates-in-journal': createsInJournal,
  '0056-erased-bases': erasedBases,
  '0057-entry-rests': entryRests,
  '0060-webhooks-asked-for': webhooksAskedFor,
  '0064-untold-since': untoldSince,
  '0066-bases-at': basesAt,
  '0068-undelivered': undelivered,
  '0070-poll-leases': pollLeases,
  '0072-sends': sends,
  '0073-media': media,
};
