import { raiseAlert, type WorkspaceTransaction } from '../../store/index.ts';

/** What is said where bytes lie in a folder this process does not have. */
export async function alertElsewhere(trx: WorkspaceTransaction, place: string, now: number): Promise<void> {
  await raiseAlert(
    trx,
    {
      kind: 'media elsewhere',
      subject: place,
      message:
        `Media lie in ${place}, which this process does not reach: they are neither shown, sent nor deleted by it. Give every ` +
        'process the same DATA_DIR/media, or all of them a bucket (MEDIA_S3_BUCKET).',
    },
    now,
  );
}
