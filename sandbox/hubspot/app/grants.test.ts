import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSandboxFixture, type SandboxFixture } from '../../testing/sandbox-fixture.ts';

let dataDir: string;
let fixture: SandboxFixture;
beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-sandbox-'));
  fixture = await startSandboxFixture({ dataDir });
});
afterEach(async () => {
  await fixture.stop();
  await rm(dataDir, { recursive: true });
});

async function restart(): Promise<void> {
  await fixture.stop();
  fixture = await startSandboxFixture({ dataDir });
}

async function token(form: Record<string, string>): Promise<{ status: number; refreshToken: string }> {
  const { body: facts } = await fixture.call('GET', '');
  const { hubspot } = (facts as { crms: { hubspot: { clientId: string; clientSecret: string } } }).crms;
  const response = await fetch(
    `http://127.0.0.1:${String(fixture.port)}/sandbox/hubspot/oauth/2026-03/token`,
    {
      method: 'POST',
      body: new URLSearchParams({
        client_id: hubspot.clientId,
        client_secret: hubspot.clientSecret,
        ...form,
      }),
    },
  );
  const body = (await response.json()) as { refresh_token?: string };
  return { status: response.status, refreshToken: body.refresh_token ?? '' };
}

const refresh = (refreshToken: string): ReturnType<typeof token> =>
  token({ grant_type: 'refresh_token', refresh_token: refreshToken });

async function install(): Promise<string> {
  const back = 'http://127.0.0.1/back';
  const query = new URLSearchParams({
    client_id: 'sangam-sandbox-app',
    redirect_uri: back,
    scope: 'oauth',
  });
  const response = await fetch(
    `http://127.0.0.1:${String(fixture.port)}/sandbox/hubspot/oauth/authorize?${query.toString()}`,
    { redirect: 'manual' },
  );
  const code = new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? '';
  return (await token({ grant_type: 'authorization_code', code, redirect_uri: back })).refreshToken;
}

describe('what the portal granted the app', () => {
  test('is good after a restart, under the latest token only', async () => {
    const first = await install();
    await restart();
    expect((await refresh(first)).status).toBe(200);
    await fixture.call('PUT', '/hubspot/app', { refreshTokens: 'rotated' });
    const { refreshToken: second } = await refresh(first);
    await restart();
    await restart();
    expect((await refresh(first)).status).toBe(400);
    expect((await refresh(second)).status).toBe(200);
  });

  test('is over after an uninstallation, also after a restart', async () => {
    const granted = await install();
    await fixture.call('POST', '/hubspot/app/uninstall');
    await restart();
    await restart();
    expect((await refresh(granted)).status).toBe(400);
  });
});
