import { describe, expect, test } from 'vitest';
import { hubspotBasePath } from './host.ts';

const hostRefused: unknown = expect.objectContaining({ code: 'host_refused', origin: 'us', retry: 'never' });

describe('a live workspace', () => {
  test.each([undefined, 'https://api.hubapi.com', 'https://api.hubapi.com/'])(
    'reaches HubSpot with %s',
    (wanted) => {
      expect(hubspotBasePath('live', wanted)).toBe('https://api.hubapi.com');
    },
  );

  test.each([
    'http://127.0.0.1:8080/sandbox/hubspot',
    'http://localhost:8080/sandbox/hubspot',
    'http://api.hubapi.com',
    'https://api.hubapi.com.evil.example',
    'https://someone@api.hubapi.com',
    'https://api.hubapi.com:8443',
    'https://api.hubapi.com/elsewhere',
    '',
    'api.hubapi.com',
  ])('refuses %j', (wanted) => {
    expect(() => hubspotBasePath('live', wanted)).toThrow(hostRefused);
  });
});

describe('a sandbox workspace', () => {
  test.each([
    ['http://127.0.0.1:8080/sandbox/hubspot', 'http://127.0.0.1:8080/sandbox/hubspot'],
    ['http://localhost:8080/sandbox/hubspot/', 'http://localhost:8080/sandbox/hubspot'],
    ['http://[::1]:8080/sandbox/hubspot', 'http://[::1]:8080/sandbox/hubspot'],
    ['http://127.1:8080/sandbox/hubspot', 'http://127.0.0.1:8080/sandbox/hubspot'],
  ])('reaches %s', (wanted, reached) => {
    expect(hubspotBasePath('sandbox', wanted)).toBe(reached);
  });

  test.each([
    undefined,
    '',
    '/sandbox/hubspot',
    'https://api.hubapi.com',
    'http://api.hubapi.com/sandbox/hubspot',
    'http://192.168.1.10/sandbox/hubspot',
    'http://localhost.evil.example/sandbox/hubspot',
    'http://127.0.0.1@evil.example/sandbox/hubspot',
    'http://me:secret@127.0.0.1:8080/sandbox/hubspot',
    'http://127.0.0.1:8080/sandbox/hubspot?to=elsewhere',
    'http://127.0.0.1:8080/sandbox/hubspot#elsewhere',
    'file:///sandbox/hubspot',
  ])('refuses %j', (wanted) => {
    expect(() => hubspotBasePath('sandbox', wanted)).toThrow(hostRefused);
  });
});
