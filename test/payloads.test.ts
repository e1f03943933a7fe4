import { expect, test } from 'vitest';
import { splitWebhook } from '@sangam/core/whatsapp';
import { constructedPayloads } from './harness/constructed-payloads.ts';
import { describeEvent } from './harness/describe-event.ts';

/** One body of each kind is read as intended, also in a clone without the published ones. */

const asha = '+919812345678 IN.100';

/** How what is read of each begins. */
const readings: Readonly<Record<string, string>> = {
  text: `message: text | message:wamid.text | ${asha} | named Asha Rao | says Is it there?`,
  'text from an ad': `message: text | message:wamid.ad | ${asha} | named Asha Rao | says Hello | from ad`,
  reply: `message: text | message:wamid.reply | ${asha} | named Asha Rao | says This one | answers wamid.out`,
  'image with a caption': `message: image | message:wamid.image | ${asha} | named Asha Rao | says Look | media image/jpeg`,
  document: `message: document | message:wamid.document | ${asha} | named Asha Rao | media application/pdf`,
  location: `message: location | message:wamid.location | ${asha}`,
  'contact card': `message: contacts | message:wamid.card | ${asha}`,
  reaction: `message: reaction | message:wamid.reaction | ${asha} | named Asha Rao | reacts 👍 to wamid.out`,
  'button of a template': `message: button | message:wamid.button | ${asha} | named Asha Rao | says Stop promotions | payload STOP`,
  'answer from a list': `message: interactive | message:wamid.list | ${asha} | named Asha Rao | says Large | payload a`,
  'answers of a Flow': `message: interactive | message:wamid.flow | ${asha} | named Asha Rao | flow`,
  order: `message: order | message:wamid.order | ${asha}`,
  unsupported: `message: unsupported | message:wamid.unsupported | ${asha} | named Asha Rao | error 131051`,
  'number change':
    'identity_change | message:wamid.system | from +919812345678 | to +919899999999 | beside IN.100',
  'stop in whole words': `message: text | message:wamid.stop | ${asha} | named Asha Rao | says STOP`,
  'status sent': `status sent | status:wamid.out:sent | ${asha} | priced PMP service`,
  'status read': `status read | status:wamid.out:read | ${asha}`,
  'status failed': `status failed | status:wamid.out:failed | ${asha} | error 131026`,
  'WhatsApp’s own stop': `preference stop | preference:IN.100:stop:1750000019 | ${asha}`,
  'echo of the phone app': `echo of phone app: text | echo:wamid.echo | ${asha} | says Yes`,
  'imported history': 'history in: text | history:wamid.old | +919812345678 | says Long ago',
  'account update': 'kept account_update',
  'template update': 'kept message_template_status_update',
  'errors of the number': 'kept messages/errors',
};

test.each([...constructedPayloads])('%s', (name, payload) => {
  const [read = '', ...others] = splitWebhook(payload).map(describeEvent);
  expect(others).toEqual([]);
  expect(read.slice(0, readings[name]?.length)).toBe(readings[name]);
});
