import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { environment, readConfig } from './config.ts';

const live = {
  META_APP_SECRET: 'a'.repeat(32),
  META_VERIFY_TOKEN: 'verify-me',
  WHATSAPP_PHONE_NUMBER_ID: '1',
  WHATSAPP_WABA_ID: '2',
  WHATSAPP_DISPLAY_PHONE_NUMBER: '+91 98123 45678',
  SECRETS_KEY: Buffer.alloc(32).toString('base64'),
  PUBLIC_URL: 'https://sangam.example/',
};

describe('the environment', () => {
  test('is what .env.example says it is', () => {
    const example = readFileSync(path.join(import.meta.dirname, '../.env.example'), 'utf8');
    const named = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(named.toSorted()).toEqual(Object.keys(environment.shape).toSorted());
  });

  test('may be empty: a sandbox on loopback', () => {
    expect(readConfig({})).toMatchObject({ port: 8080, host: 'localhost', live: undefined });
    expect(readConfig({ META_APP_SECRET: '', PORT: '' })).toMatchObject({ port: 8080, live: undefined });
  });

  test('makes a live workspace when it names a number', () => {
    expect(readConfig(live).live).toMatchObject({
      number: { phoneNumberId: '1', portfolio: '2' },
      hubspotAccessToken: undefined,
    });
    expect(readConfig(live).publicUrl).toBe('https://sangam.example');
  });

  test('needs no phone number where an access token has Meta tell it', () => {
    const { WHATSAPP_DISPLAY_PHONE_NUMBER: _left, ...rest } = live;
    const token = { WHATSAPP_ACCESS_TOKEN: 'EAA-a-token-of-ours' };
    expect(readConfig({ ...rest, ...token }).live?.number).toMatchObject({
      displayPhoneNumber: undefined,
      accessToken: 'EAA-a-token-of-ours',
    });
    expect(() => readConfig(rest)).toThrow('WHATSAPP_DISPLAY_PHONE_NUMBER');
    expect(() => readConfig(token)).toThrow('META_APP_SECRET, META_VERIFY_TOKEN');
  });

  test('may name a CRM alone', () => {
    const token = { HUBSPOT_ACCESS_TOKEN: 'pat-na1-abcdefgh', SECRETS_KEY: live.SECRETS_KEY };
    expect(readConfig(token).live).toEqual({
      number: undefined,
      hubspotAccessToken: 'pat-na1-abcdefgh',
      hubspotApp: undefined,
    });
    const app = { HUBSPOT_CLIENT_ID: 'client-of-ours', HUBSPOT_CLIENT_SECRET: 's'.repeat(36) };
    const { SECRETS_KEY, PUBLIC_URL } = live;
    expect(readConfig({ ...app, SECRETS_KEY, PUBLIC_URL }).live).toMatchObject({ number: undefined });
  });

  test('names a HubSpot app of its own, or none', () => {
    const app = { HUBSPOT_CLIENT_ID: 'client-of-ours', HUBSPOT_CLIENT_SECRET: 's'.repeat(36) };
    expect(readConfig(live).live?.hubspotApp).toBeUndefined();
    expect(readConfig({ ...live, ...app }).live?.hubspotApp).toEqual({
      clientId: 'client-of-ours',
      clientSecret: 's'.repeat(36),
    });
    const rotating = { ...live, ...app, HUBSPOT_CLIENT_SECRET_PREVIOUS: 'p'.repeat(36) };
    expect(readConfig(rotating).live?.hubspotApp).toMatchObject({ previousClientSecret: 'p'.repeat(36) });
  });

  test.each([
    ['PORT', { PORT: 'eighty' }],
    ['SECRETS_KEY', { SECRETS_KEY: 'short' }],
    ['META_VERIFY_TOKEN', { ...live, META_VERIFY_TOKEN: '' }],
    ['WHATSAPP_WABA_ID', { ...live, WHATSAPP_WABA_ID: '' }],
    ['SECRETS_KEY', { HUBSPOT_ACCESS_TOKEN: 'pat-na1-abcdefgh' }],
    ['HUBSPOT_CLIENT_SECRET', { ...live, HUBSPOT_CLIENT_ID: 'client-of-ours' }],
    ['HUBSPOT_CLIENT_ID', { ...live, HUBSPOT_CLIENT_SECRET: 's'.repeat(36) }],
    [
      'PUBLIC_URL',
      {
        HUBSPOT_CLIENT_ID: 'client-of-ours',
        HUBSPOT_CLIENT_SECRET: 's'.repeat(36),
        SECRETS_KEY: live.SECRETS_KEY,
      },
    ],
    ['PUBLIC_URL', { ...live, PUBLIC_URL: '' }],
    ['SECRETS_KEY', { ...live, SECRETS_KEY: '' }],
    ['DATABASE_URL', { DATABASE_URL: 'mysql://x' }],
    ['DATABASE_URL: must look like postgres://', { DATABASE_URL: 'postgres' }],
    ['PUBLIC_URL: must be an address', { PUBLIC_URL: 'ftp://sangam.example' }],
    ['PUBLIC_URL: must have no user, password, query', { PUBLIC_URL: 'https://asha@sangam.example' }],
    ['PUBLIC_URL: must have no user, password, query', { PUBLIC_URL: 'https://asha:hush@sangam.example/' }],
    ['PUBLIC_URL: must have no user, password, query', { PUBLIC_URL: 'https://sangam.example?hush=1' }],
    ['SANDBOX_URL: must have no user, password, query', { SANDBOX_URL: 'http://localhost:1/#hush' }],
    ['PUBLIC_URL must begin with https://', { ...live, PUBLIC_URL: 'http://sangam.example' }],
    ['META_APP_SECRETS: there is no such variable; did you mean META_APP_SECRET?', { META_APP_SECRETS: 'x' }],
    ['WHATSAPP_API_VERSION: must look like v26.0', { WHATSAPP_API_VERSION: '26' }],
    ['METRICS_PORT must be another port than PORT', { METRICS_PORT: '8080' }],
    ['did you mean METRICS_TOKEN', { METRICS_TOKENS: 'x' }],
    ['RETENTION_AUDIT_DAYS: must be 7 days or more', { RETENTION_AUDIT_DAYS: '1' }],
    ['RETENTION_AUDIT_DAYS: must be a number of days', { RETENTION_AUDIT_DAYS: 'long' }],
    ['did you mean SECRETS_KEY_PREVIOUS?', { SECRETS_KEY_PREVIUS: 'x' }],
    ['PORT: must be a number', { PORT: 'eighty' }],
    ['PORT: must be at most 65535', { PORT: '99999' }],
    ['LOG_LEVEL: must be one of "debug", "info", "warn", "error", "silent"', { LOG_LEVEL: 'verbose' }],
    ['ADMIN_EMAIL: must be an e-mail address', { ADMIN_EMAIL: 'asha' }],
    ['META_APP_SECRET: must have at least 16 characters', { ...live, META_APP_SECRET: 'short' }],
    [
      'WHATSAPP_PHONE_NUMBER_ID: must be the digits Meta shows as phone number id, which is not the phone number',
      { ...live, WHATSAPP_PHONE_NUMBER_ID: '+91 98123 45678' },
    ],
    ['WHATSAPP_WABA_ID: must be the digits', { ...live, WHATSAPP_WABA_ID: 'my account' }],
    ['WHATSAPP_PORTFOLIO_ID: must be the digits', { ...live, WHATSAPP_PORTFOLIO_ID: 'my business' }],
    [
      'HUBSPOT_ACCESS_TOKEN: must be the access token as HubSpot shows it',
      { ...live, HUBSPOT_ACCESS_TOKEN: 'pat-na1-abc defgh' },
    ],
    [
      'SECRETS_KEY_PREVIOUS: is nothing without SECRETS_KEY',
      { SECRETS_KEY_PREVIOUS: Buffer.alloc(32).toString('base64') },
    ],
    ['META_APP_SECRET_PREVIOUS: is nothing without', { META_APP_SECRET_PREVIOUS: 'a'.repeat(32) }],
    ['WHATSAPP_PORTFOLIO_ID: is nothing without', { WHATSAPP_PORTFOLIO_ID: '3' }],
  ])('is refused at start, naming %s', (name, env) => {
    expect(() => readConfig(env)).toThrow(name);
    // The words of the tool that read it are for programmers.
    expect(() => readConfig(env)).not.toThrow(
      /Invalid (input|option|string)|expected|received|Too (small|big)/,
    );
  });

  test('may hold what is not ours', () => {
    expect(readConfig({ DATABASE_POOL_SIZE: '5', HOSTNAME: 'x', LOG_LEVELS: 'x' }).port).toBe(8080);
  });

  test('never shows a value it refuses', () => {
    expect(() => readConfig({ PUBLIC_URL: 'https://asha:hush@sangam.example' })).toThrow(/^(?!.*hush)/s);
    expect(() => readConfig({ ...live, META_VERIFY_TOKEN: 'secret!' })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret!') }),
    );
  });
});
