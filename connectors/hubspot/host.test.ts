import { SangamError } from '@sangam/core/errors';
import { describe, expect, test } from 'vitest';
import { hubspotBasePath } from './host.ts';

describe('a live workspace', () => {
  test('reaches HubSpot', () => {
    expect(hubspotBasePath({ sandboxWorkspace: false, sandboxUrl: undefined })).toBe(
      'https://api.hubapi.com',
    );
  });

  test.each(['http://127.0.0.1:8080/sandbox', 'http://localhost:8080/sandbox', 'https://api.hubapi.com', ''])(
    'refuses the sandbox %j',
    (sandboxUrl) => {
      const reach = (): string => hubspotBasePath({ sandboxWorkspace: false, sandboxUrl });
      expect(reach).toThrow(expect.objectContaining({ code: 'host_refused', origin: 'us', retry: 'never' }));
    },
  );
});

describe('a sandbox workspace', () => {
  test.each([
    ['http://127.0.0.1:8080/sandbox', 'http://127.0.0.1:8080/sandbox/hubspot'],
    ['http://localhost:8080/sandbox/', 'http://localhost:8080/sandbox/hubspot'],
    ['http://[::1]:8080/sandbox', 'http://[::1]:8080/sandbox/hubspot'],
    ['http://127.1:8080/sandbox', 'http://127.0.0.1:8080/sandbox/hubspot'],
  ])('reaches the sandbox %s', (sandboxUrl, reached) => {
    expect(hubspotBasePath({ sandboxWorkspace: true, sandboxUrl })).toBe(reached);
  });

  test.each([
    '',
    '/sandbox',
    'https://api.hubapi.com',
    'http://api.hubapi.com/sandbox',
    'http://192.168.1.10/sandbox',
    'http://localhost.evil.example/sandbox',
    'http://127.0.0.1@evil.example/sandbox',
    'http://me:secret@127.0.0.1:8080/sandbox',
    'http://127.0.0.1:8080/sandbox?to=elsewhere',
    'http://127.0.0.1:8080/sandbox#elsewhere',
    'file:///sandbox',
  ])('refuses %j', (sandboxUrl) => {
    const reach = (): string => hubspotBasePath({ sandboxWorkspace: true, sandboxUrl });
    expect(reach).toThrow(expect.objectContaining({ code: 'host_refused', origin: 'us', retry: 'never' }));
  });

  test('waits for a sandbox that is not there yet', () => {
    const reach = (): string => hubspotBasePath({ sandboxWorkspace: true, sandboxUrl: undefined });
    expect(reach).toThrow(SangamError);
    expect(reach).toThrow(expect.objectContaining({ code: 'sandbox_absent', retry: 'later' }));
  });
});
