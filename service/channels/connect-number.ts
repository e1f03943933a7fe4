import {
  type ChannelNumber,
  closeAlerts,
  connectChannel,
  holderOfNumber,
  lockNumber,
  raiseAlert,
  releaseChannel,
  type Store,
  type WorkspaceTransaction,
} from '@sangam/core/store';

/** The alert of who lost a number to another workspace, until it is connected again. */
export const takenOver = 'number taken over';

/** `known`: this workspace has it connected already. `taken`: another has, and nobody took it over. */
type Connected =
  | { readonly outcome: 'connected'; readonly channelId: string }
  | { readonly outcome: 'known'; readonly channelId: string }
  | { readonly outcome: 'taken'; readonly proven: boolean };

/**
 * Connects a number to a workspace. A number belongs to who proves it: it is taken over from a workspace that never did, which
 * keeps what it received and is told. `also` joins the transaction that connects it.
 */
export async function connectNumber(
  store: Store,
  workspaceId: string,
  number: ChannelNumber,
  now: number,
  also?: (trx: WorkspaceTransaction, channelId: string) => Promise<void>,
): Promise<Connected> {
  for (;;) {
    const answer = await store.transact(workspaceId, async (trx) => {
      await lockNumber(trx, number.phoneNumberId);
      const holder = await holderOfNumber(trx, number.phoneNumberId);
      if (holder === undefined) {
        const channelId = await connectChannel(trx, number, now);
        await closeAlerts(trx, [{ kind: takenOver, subject: number.phoneNumberId }], now);
        await also?.(trx, channelId);
        return { outcome: 'connected', channelId } as const;
      }
      if (holder.workspaceId === workspaceId) {
        return { outcome: 'known', channelId: holder.channelId } as const;
      }
      if (holder.proven || number.accessToken === null) {
        return { outcome: 'taken', proven: holder.proven } as const;
      }
      return { outcome: 'unproven', holder } as const;
    });
    if (answer.outcome !== 'unproven') return answer;
    // A transaction is one workspace's. Between the two the number is nobody's; whoever comes first is looked at again.
    await takeFrom(store, answer.holder, now);
  }
}

async function takeFrom(
  store: Store,
  holder: { readonly workspaceId: string; readonly channelId: string; readonly phoneNumberId: string },
  now: number,
): Promise<void> {
  const { workspaceId, channelId, phoneNumberId } = holder;
  await store.transact(workspaceId, async (trx) => {
    await lockNumber(trx, phoneNumberId);
    if (!(await releaseChannel(trx, channelId, now, 'unproven'))) return;
    await raiseAlert(
      trx,
      {
        kind: takenOver,
        subject: phoneNumberId,
        message:
          `Another workspace has proved with an access token that the number ${phoneNumberId} is theirs, which nobody ` +
          'here ever did. It is connected there now: what was received before stays here, and nothing more arrives. If the ' +
          'number is yours, ask who runs this installation.',
      },
      now,
    );
  });
}
