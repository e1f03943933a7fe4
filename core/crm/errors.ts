import { SangamError } from '../errors.ts';
import type { Priority } from './limits.ts';

/** Fields a write or read named are no longer in the CRM: they are parked, and the rest goes on. */
export class FieldsMissing extends SangamError {
  readonly fields: readonly string[];

  constructor(details: { message: string; fields: readonly string[] }) {
    super({ code: 'fields_missing', origin: 'crm', retry: 'never', message: details.message });
    this.fields = details.fields;
  }
}

/** Our own limiter's word: no call of this priority for so long, nor of those after it. */
export class LimitWait extends SangamError {
  readonly priority: Priority;

  constructor(details: { priority: Priority; afterMs: number }) {
    super({
      code: 'limit_wait',
      origin: 'crm',
      retry: { afterMs: details.afterMs },
      message: "The account's limit of calls is used up for the moment.",
    });
    this.priority = details.priority;
  }
}
