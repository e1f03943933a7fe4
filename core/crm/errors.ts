import { SangamError } from '../errors.ts';

/** Fields a write or read named are no longer in the CRM: they are parked, and the rest goes on. */
export class FieldsMissing extends SangamError {
  readonly fields: readonly string[];

  constructor(details: { message: string; fields: readonly string[] }) {
    super({ code: 'fields_missing', origin: 'crm', retry: 'never', message: details.message });
    this.fields = details.fields;
  }
}
