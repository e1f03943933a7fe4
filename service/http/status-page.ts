import { Router } from 'express';
import { otherMethods } from './errors.ts';
import { pagePolicy } from './security-headers.ts';

/** What happened before this page was opened, by the `note` of its address; never the address's own words. */
const notes: Readonly<Record<string, string>> = {
  connected:
    'The account is connected, in shadow: Sangam shows what it would do and writes nothing until you say so.',
  reconnected: 'The account is connected again. Its settings and links are as they were.',
  not_agreed: 'HubSpot did not give its agreement: nothing was connected.',
  state_unknown:
    'This was not begun in this browser within the last ten minutes, or is finished already. Connect again.',
  reconnect: 'HubSpot did not take this agreement, which is good once and for a few minutes: connect again.',
  client_config:
    'HubSpot does not know this installation’s app: check HUBSPOT_CLIENT_ID, HUBSPOT_CLIENT_SECRET and the app’s redirect URLs.',
  account_taken: 'This account is connected to another workspace. Disconnect it there first.',
};
const otherNote =
  'The account could not be connected. Try again; the log of Sangam says why, in its line “an account could not be connected”.';

/** What a person sees who opens the service's address, until the console is built. */
export function statusPage(sandbox: () => boolean): Router {
  const router = Router();
  router.get('/', (request, response) => {
    const { note } = request.query;
    response
      .set('Content-Security-Policy', pagePolicy("'none'"))
      .type('html')
      .send(page(sandbox(), typeof note === 'string' ? noteOf(note) : undefined));
  });
  router.all('/', otherMethods('GET'));
  return router;
}

function noteOf(note: string): string {
  return (Object.hasOwn(notes, note) ? notes[note] : undefined) ?? otherNote;
}

function page(sandbox: boolean, note: string | undefined): string {
  const playground = sandbox
    ? `<p>It runs with a <strong>sandbox</strong>: a WhatsApp and a HubSpot to play with, no account needed.
       <a href="/sandbox">What the sandbox gives you</a>,
       <a href="/sandbox/hubspot/records/contacts">the contacts in its HubSpot</a>.</p>`
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
  <li><a href="/api/v1/dead-letters">Dead letters</a> and <a href="/api/v1/channels">channels</a>, once you are signed
      in by an admin link (<code>npm run admin-link</code>)</li>
</ul>
</body>
</html>
`;
}
