import type { NewAlert } from '../store/index.ts';

/** What is said of opt-outs that are dead letters, until none is left. */

export const optOutUnapplied: NewAlert = {
  kind: 'opt-out not applied',
  message:
    'Somebody opted out, and it could not be applied: it is a dead letter. Nothing is sent to them, but their record ' +
    'does not show it. Replay the dead letter once its cause is mended.',
};

export const optOutElsewhere: NewAlert = {
  kind: 'opt-out not applied',
  subject: 'foreign channel',
  message:
    'Somebody opted out on a number that is not connected here under the app that signed the webhook: it is a dead ' +
    'letter `foreign channel`, and applied nowhere. Connect that number and replay the dead letter.',
};
