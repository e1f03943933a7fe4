import { SangamError } from '@sangam/core/errors';
import { describe, expect, test } from 'vitest';
import { hubspotBasePath } from './host.ts';

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
  ])('refuses %s', (wanted) => {
    expect(() => hubspotBasePath('live', wanted)).toThrow(SangamError);
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
    'https://api.hubapi.com',
    'http://192.168.1.10/sandbox/hubspot',
    'http://localhost.evil.example/sandbox/hubspot',
    'http://127.0.0.1@evil.example/sandbox/hubspot',
    'http://me:secret@127.0.0.1:8080/sandbox/hubspot',
    'http://127.0.0.1:8080/sandbox/hubspot?to=elsewhere',
    'file:///sandbox/hubspot',
  ])('refuses %s', (wanted) => {
    expect(() => hubspotBasePath('sandbox', wanted)).toThrow(SangamError);
  });
});
