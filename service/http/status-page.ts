import { Router } from 'express';

/** What a person sees who opens the service's address, until the console is built. */
export function statusPage(sandbox: () => boolean): Router {
  const router = Router();
  router.get('/', (_request, response) => {
    response
      .set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'")
      .type('html')
      .send(page(sandbox()));
  });
  return router;
}

function page(sandbox: boolean): string {
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
<p>It keeps WhatsApp and your CRM in step.</p>
${playground}
<ul>
  <li><a href="/health/ready">Is it ready?</a></li>
  <li><a href="/metrics">Metrics</a></li>
  <li><a href="/api/dead-letters">Dead letters</a> and <a href="/api/channels">channels</a>, with the admin link that
      was printed when it started</li>
</ul>
</body>
</html>
`;
}
