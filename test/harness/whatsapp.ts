/** WhatsApp webhooks as tests write them: only what matters to the test is named. */

export interface Person {
  readonly phone?: string;
  readonly bsuid?: string;
  readonly parent?: string;
  readonly username?: string;
  readonly name?: string;
}

/** One change of a webhook, before it is put into an envelope. */
export interface Change {
  readonly field: string;
  readonly value: Readonly<Record<string, unknown>>;
}

const seconds = (ms: number): string => (Number.isNaN(ms) ? 'TIMESTAMP' : String(Math.floor(ms / 1000)));

function contact(person: Person): object {
  return {
    profile: {
      ...(person.name === undefined ? {} : { name: person.name }),
      ...(person.username === undefined ? {} : { username: person.username }),
    },
    ...(person.phone === undefined ? {} : { wa_id: person.phone }),
    ...(person.bsuid === undefined ? {} : { user_id: person.bsuid }),
    ...(person.parent === undefined ? {} : { parent_user_id: person.parent }),
  };
}

export function message(person: Person, wamid: string, at: number, body: object): Change {
  return {
    field: 'messages',
    value: {
      contacts: [contact(person)],
      messages: [
        {
          ...(person.phone === undefined ? {} : { from: person.phone }),
          ...(person.bsuid === undefined ? {} : { from_user_id: person.bsuid }),
          id: wamid,
          timestamp: seconds(at),
          ...body,
        },
      ],
    },
  };
}

export function text(person: Person, wamid: string, at: number, words: string): Change {
  return message(person, wamid, at, { type: 'text', text: { body: words } });
}

export function status(person: Person, wamid: string, at: number, name: string, more: object = {}): Change {
  return {
    field: 'messages',
    value: {
      statuses: [
        {
          id: wamid,
          status: name,
          timestamp: seconds(at),
          ...(person.phone === undefined ? {} : { recipient_id: person.phone }),
          ...(person.bsuid === undefined ? {} : { recipient_user_id: person.bsuid }),
          ...more,
        },
      ],
    },
  };
}

export function preference(person: Person, at: number, value: 'stop' | 'resume' | 'signup'): Change {
  return {
    field: 'user_preferences',
    value: {
      contacts: [contact(person)],
      user_preferences: [
        {
          ...(person.phone === undefined ? {} : { wa_id: person.phone }),
          ...(person.bsuid === undefined ? {} : { user_id: person.bsuid }),
          category: 'marketing_messages',
          value,
          timestamp: Math.floor(at / 1000),
        },
      ],
    },
  };
}

export function numberChange(before: Person, after: Person, wamid: string, at: number): Change {
  return {
    field: 'messages',
    value: {
      messages: [
        {
          ...(before.phone === undefined ? {} : { from: before.phone }),
          id: wamid,
          timestamp: seconds(at),
          type: 'system',
          system: {
            type: 'user_changed_number',
            ...(after.phone === undefined ? {} : { wa_id: after.phone }),
            ...(after.bsuid === undefined ? {} : { user_id: after.bsuid }),
            ...(before.bsuid === undefined ? {} : { previous_user_id: before.bsuid }),
          },
        },
      ],
    },
  };
}

export function echo(person: Person, wamid: string, at: number, words: string): Change {
  return {
    field: 'smb_message_echoes',
    value: {
      message_echoes: [
        {
          from: '918047100000',
          ...(person.phone === undefined ? {} : { to: person.phone }),
          ...(person.bsuid === undefined ? {} : { to_user_id: person.bsuid }),
          id: wamid,
          timestamp: seconds(at),
          type: 'text',
          text: { body: words },
        },
      ],
    },
  };
}

export function history(
  phone: string,
  wamid: string,
  at: number,
  words: string,
  direction: 'in' | 'out',
): Change {
  return {
    field: 'history',
    value: {
      history: [
        {
          metadata: { phase: 0, chunk_order: 1, progress: 10 },
          threads: [
            {
              id: phone,
              messages: [
                {
                  from: direction === 'in' ? phone : '918047100000',
                  id: wamid,
                  timestamp: seconds(at),
                  type: 'text',
                  text: { body: words },
                  history_context: { status: 'READ' },
                },
              ],
            },
          ],
        },
      ],
    },
  };
}

/** A whole webhook on a channel. */
export function webhook(
  channel: { phoneNumberId: string; wabaId: string },
  changes: readonly Change[],
): Record<string, unknown> {
  return {
    object: 'whatsapp_business_account',
    entry: [
      {
        id: channel.wabaId,
        changes: changes.map(({ field, value }) => ({
          field,
          value: {
            messaging_product: 'whatsapp',
            metadata: { display_phone_number: '918047100000', phone_number_id: channel.phoneNumberId },
            ...value,
          },
        })),
      },
    ],
  };
}
