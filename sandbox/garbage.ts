import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Answer } from './http.ts';

const page = '<!doctype html><title>Maintenance</title><h1>We will be right back</h1>';
const endlessChunk = Buffer.alloc(64 * 1024, ' ');
const endlessPauseMs = 20;

/** What is not the vendor's word; `made`: the answer it should have been. */
export async function answerGarbage(
  response: ServerResponse,
  kind: 'html' | 'truncated' | 'endless',
  made: Answer | undefined,
  status = 200,
): Promise<void> {
  if (kind === 'html') {
    response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' }).end(page);
    return;
  }
  const json = JSON.stringify(made?.body ?? {});
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
  if (kind === 'truncated') {
    response.end(json.slice(0, Math.ceil(json.length / 2)));
    return;
  }
  response.write(json.slice(0, -1));
  while (!response.destroyed) {
    response.write(endlessChunk);
    await wait(endlessPauseMs);
  }
}
