import { sql } from 'kysely';
import type { MediaKind } from '../../whatsapp/index.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** Ids by which a provider knows media of ours, each for one number. Times in milliseconds. */

/** One a send names. */
export interface SendableMedium {
  readonly kind: MediaKind;
  /** The provider's id; null: it has to be uploaded first. */
  readonly uploadId: string | null;
}

/** Of these what a member gave us to be sent, by their ids; uploads before `since` count for nothing. */
export async function sendableMedia(
  trx: WorkspaceTransaction,
  channelId: string,
  mediaIds: readonly string[],
  since: number,
): Promise<ReadonlyMap<string, SendableMedium>> {
  if (mediaIds.length === 0) return new Map();
  const { rows } = await sql<SendableMedium & { mediaId: string }>`
    select m.media_id as "mediaId", m.kind, u.provider_id as "uploadId"
    from media m
    left join media_uploads u on u.workspace_id = ${trx.workspaceId} and u.media_id = m.media_id
                             and u.channel_id = ${channelId} and u.uploaded_at >= ${since}
    where m.workspace_id = ${trx.workspaceId} and m.media_id = any(${[...mediaIds]}::uuid[]) and m.direction = 'out'`.execute(
    trx,
  );
  return new Map(rows.map(({ mediaId, kind, uploadId }) => [mediaId, { kind, uploadId }]));
}

/** A medium that went meanwhile is not remembered. */
export async function saveUpload(
  trx: WorkspaceTransaction,
  upload: {
    readonly mediaId: string;
    readonly channelId: string;
    readonly providerId: string;
    readonly uploadedAt: number;
  },
): Promise<void> {
  await sql`
    insert into media_uploads (workspace_id, media_id, channel_id, provider_id, uploaded_at)
    select workspace_id, media_id, ${upload.channelId}, ${upload.providerId}, ${upload.uploadedAt}
    from media where workspace_id = ${trx.workspaceId} and media_id = ${upload.mediaId}
    on conflict (workspace_id, media_id, channel_id) do update
      set provider_id = excluded.provider_id, uploaded_at = excluded.uploaded_at`.execute(trx);
}

/** The provider could not do with it: it is uploaded anew before it is used again. */
export async function forgetUpload(
  trx: WorkspaceTransaction,
  mediaId: string,
  channelId: string,
): Promise<void> {
  await sql`
    delete from media_uploads
    where workspace_id = ${trx.workspaceId} and media_id = ${mediaId} and channel_id = ${channelId}`.execute(
    trx,
  );
}
