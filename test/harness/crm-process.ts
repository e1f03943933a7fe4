import type { ChangeReceiver, Checker, Directory, Poller, Receiver } from '@sangam/core/pipeline';
import type { DeadLetters, Eraser, Corrections } from '@sangam/core/corrections';
import type { Store } from '@sangam/core/store';

/** What a service process has of its own. */
export interface CrmProcess {
  readonly store: Store;
  readonly directory: Directory;
  readonly receiver: Receiver;
  readonly changes: ChangeReceiver;
  readonly deadLetters: DeadLetters;
  readonly corrections: Corrections;
  readonly checker: Checker;
  readonly poller: Poller;
  readonly eraser: Eraser;
  /** Applies what waits, and does nothing about it at the CRM. */
  apply(): Promise<void>;
}
