import { Router } from 'express';
import type { Crm } from '@sangam/connectors/registry';
import { simulators } from '@sangam/sandbox';
import type { Crms } from '../accounts/crms.ts';
import { otherMethods } from './errors.ts';
import { pagePolicy } from './security-headers.ts';

/** What happened before this page was opened, by the `note` and `crm` of its address; never the address's own words. */
const notes: Readonly<Record<string, (crm: string, variables: readonly string[]) => string>> = {
  connected: () =>
    'The account is connected, in shadow: Sangam shows what it would do and writes nothing until you say so.',
  reconnected: () => 'The account is connected again. Its settings and links are as they were.',
  not_agreed: (crm) => `${crm} did not give its agreement: nothing was connected.`,
  state_unknown: () =>
    'This was not begun in this browser within the last ten minutes, or is finished already. Connect again.',
  reconnect: (crm) =>
    `${crm} did not take this agreement, which is good once and for a few minutes: connect again.`,
  client_config: (crm, variables) =>
    `${crm} does not know this installation’s app: check ${[...variables, ''].join(', ')}and the app’s redirect URLs.`,
  account_taken: () => 'This account is connected to another workspace. Disconnect it there first.',
};
const otherNote =
  'The account could not be connected. Try again; the log of Sangam says why, in its line “an account could not be connected”.';

/** What a person sees who opens the service's address, until the console is built. */
export function statusPage(crms: Crms, sandbox: () => boolean): Router {
  const router = Router();
  router.get('/', (request, response) => {
    const { note, crm } = request.query;
    const about = typeof crm === 'string' ? crms.of(crm) : undefined;
    response
      .set('Content-Security-Policy', pagePolicy("'none'"))
      .type('html')
      .send(page(sandbox(), typeof note === 'string' ? noteOf(note, about) : undefined));
  });
  router.all('/', otherMethods('GET'));
  return router;
}

function noteOf(note: string, crm: Crm | undefined): string {
  const say = Object.hasOwn(notes, note) ? notes[note] : undefined;
  return say?.(crm?.traits.label ?? 'The CRM', crm?.oauth?.appVariables ?? []) ?? otherNote;
}

const played = Object.entries(simulators).map(([name, simulator]) => ({ name, ...simulator }));

function listed(names: readonly string[]): string {
  return new Intl.ListFormat('en-GB').format(names.map((name) => `a ${name}`));
}

function page(sandbox: boolean, note: string | undefined): string {
  const playground = sandbox
    ? `<p>It runs with a <strong>sandbox</strong>: ${listed(['WhatsApp', ...played.map(({ label }) => label)])} to
       play with, no account needed.
       <a href="/sandbox">What the sandbox gives you</a>,
       ${played.map(({ name, label, peopleType }) => `<a href="/sandbox/${name}/records/${peopleType}">the ${peopleType} in its ${label}</a>`).join(', ')}.</p>`
    : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sangam</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 10vh auto; padding: 0 1.25rem; }
  a { color: light-dark(#0b5d4b, #7fd6c0); }
</style>
</head>
<body>
<h1>Sangam is running</h1>
${note === undefined ? '' : `<p role="status"><strong>${note}</strong></p>`}
<p>It keeps WhatsApp and your CRM in step.</p>
${playground}
<ul>
  <li><a href="/health/ready">Is it ready?</a></li>
  <li><a href="/metrics">Metrics</a></li>
  <li><a href="/api/v1/sends">Messages that were sent</a>, <a href="/api/v1/dead-letters">dead letters</a> and
      <a href="/api/v1/channels">channels</a>, once you are signed in by an admin link (<code>npm run admin-link</code>)</li>
</ul>
</body>
</html>
`;
}
