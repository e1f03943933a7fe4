import { hexHash, type ProviderMedium } from '@sangam/core/whatsapp';
import { SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import { exchange } from '../shared/http.ts';
import { parseJson } from '../shared/json.ts';
import { callGraph, type GraphAccess, isSuccess } from './graph-call.ts';
import { failure, graphErrorIn, graphFailure } from './graph-errors.ts';
import { unreadable } from './graph-pages.ts';
import { holdsMedia } from './media-host.ts';

/** Media at Meta's Cloud API. docs/vendors/whatsapp.md §3.2. */

/** Up to 100 MB in one call; shorter than a lease (docs/design.md §4). */
const timeoutMs = 50_000;
const bounds = { timeoutMs, mostBytes: 1024 * 1024 };

const uploaded = z.looseObject({ id: z.string().min(1) });
const described = z.looseObject({
  url: z.string(),
  mime_type: z.string(),
  sha256: z.string().optional().catch(undefined),
});

export interface MediaAccess extends GraphAccess {
  readonly phoneNumberId: string;
}

export async function uploadMedia(
  access: MediaAccess,
  medium: { readonly mimeType: string; readonly filename: string; readonly bytes: Uint8Array<ArrayBuffer> },
): Promise<string> {
  const form = new FormData();
  form.set('messaging_product', 'whatsapp');
  form.set('type', medium.mimeType);
  form.set('file', new Blob([medium.bytes], { type: medium.mimeType }), medium.filename);
  const packed = new Response(form);
  const answer = await callGraph(
    access,
    {
      method: 'POST',
      path: `/${access.phoneNumberId}/media`,
      headers: { 'Content-Type': packed.headers.get('content-type') ?? '' },
      body: Buffer.from(await packed.arrayBuffer()),
    },
    bounds,
  );
  if (!isSuccess(answer)) throw graphFailure(answer.status, graphErrorIn(answer, access.accessToken));
  const read = uploaded.safeParse(answer.body);
  if (!read.success) throw unreadable(answer);
  return read.data.id;
}

export async function fetchMedia(
  access: MediaAccess,
  mediaId: string,
  mostBytes: number,
): Promise<ProviderMedium> {
  const { accessToken, phoneNumberId } = access;
  const answer = await callGraph(
    access,
    { method: 'GET', path: `/${encodeURIComponent(mediaId)}`, query: { phone_number_id: phoneNumberId } },
    bounds,
  );
  if (!isSuccess(answer)) {
    const error = graphErrorIn(answer, accessToken);
    throw error?.code === 100 || error?.code === 33 ? gone() : graphFailure(answer.status, error);
  }
  const read = described.safeParse(answer.body);
  if (!read.success) throw unreadable(answer);
  const { url, mime_type: mimeType, sha256 } = read.data;
  if (!holdsMedia(url, access.basePath)) {
    throw failure(
      'whatsapp_refused',
      'never',
      'WhatsApp named an address for the medium that is not its own',
    );
  }
  return { mimeType, bytes: await bytesAt(url, accessToken, mostBytes), sha256: hexHash(sha256) };
}

async function bytesAt(url: string, accessToken: string, mostBytes: number): Promise<Uint8Array> {
  try {
    const { status, headers, body } = await exchange(
      {
        method: 'GET',
        url,
        headers: { Authorization: `Bearer ${accessToken}`, 'Accept-Encoding': 'identity' },
      },
      { vendor: 'WhatsApp', origin: 'whatsapp', timeoutMs, mostBytes },
    );
    if (isSuccess({ status })) return body;
    if (status === 404 || status === 410) throw gone();
    throw graphFailure(
      status,
      graphErrorIn({ headers, body: parseJson(body.toString('utf8')) }, accessToken),
    );
  } catch (error) {
    if (!(error instanceof SangamError && error.code === 'answer_too_long')) throw error;
    const most = `${String(Math.floor(mostBytes / 1024))} kB`;
    throw failure('media_too_large', 'never', `The medium is larger than the ${most} that are kept`);
  }
}

function gone(): SangamError {
  return failure(
    'media_gone',
    'never',
    'WhatsApp no longer has the medium, or does not show it to this number: ask for it again',
  );
}
