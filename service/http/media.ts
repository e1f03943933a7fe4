import { randomUUID } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import { noSuch, Refusal } from '@sangam/core/errors';
import { alertElsewhere, type MediaPlaces } from '@sangam/core/pipeline';
import {
  expectBytes,
  insertMedium,
  listMedia,
  mediumById,
  type MediumRow,
  settleDeletions,
  type Store,
  storableText,
  writeAudit,
} from '@sangam/core/store';
import { kindOfType, largestMedium, mediaTypes, mostBytesOfKind, typeOfMedium } from '@sangam/core/whatsapp';
import { type Incoming, takeIn } from '../media/incoming.ts';
import { fileOf } from '../media/incoming-file.ts';
import { type Answer, type Route, route } from './api.ts';
import { answerError, answerUnread, tooLarge } from './errors.ts';
import { idOf, queryOf } from './input.ts';
import { listQuery, pageOf } from './paging.ts';
import { iso } from './times.ts';

const longestFilename = 240;
const givenQuery = z.strictObject({ filename: z.string().max(longestFilename).optional() });
const listed = listQuery(z.uuid(), { contactId: z.uuid() });
/** By when a file that was begun is here, or never will be. */
const begunMs = 60 * 60_000;
/** Shown where they stand; all else is given to be kept, for a browser might run it. */
const shownTypes = /^(?:image|video|audio)\/(?!svg)/;

/** Pictures, films, voice messages and documents: given to be sent, and looked at. */
export function mediaRoutes({
  store,
  places,
  clock,
}: {
  store: Store;
  places: MediaPlaces;
  clock: Clock;
}): Route[] {
  const keep = async (
    { workspaceId, memberId }: Answer['locals']['member'],
    file: Incoming,
    { filename, mimeType }: { readonly filename: string | null; readonly mimeType: string },
  ): Promise<object> => {
    const kind = kindOfType(mimeType);
    if (kind === undefined) throw wrongType(mimeType);
    const key = randomUUID();
    const place = await places.current();
    const { size, sha256 } = file;
    // Whatever ends this before it is whole, no bytes stay that nobody knows of.
    const bytes = { place: place.name, key };
    await store.transact(workspaceId, (trx) => expectBytes(trx, bytes, clock.now() + begunMs));
    try {
      await place.put(key, await file.bytes(), sha256);
      const mediaId = await store.transact(workspaceId, async (trx) => {
        const at = clock.now();
        const subject = await insertMedium(trx, {
          kind,
          filename,
          mimeType,
          size,
          sha256,
          ...bytes,
          createdAt: at,
        });
        await writeAudit(trx, { memberId, action: 'add medium', subject, at });
        return subject;
      });
      return { mediaId, kind, mimeType, size };
    } catch (error) {
      await place.delete(key);
      await store.transact(workspaceId, (trx) => settleDeletions(trx, [bytes], [], 0));
      throw error;
    }
  };

  return [
    route('POST', '/media', 'rep', async (request, response) => {
      if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
        answerUnread(response, 415, 'packed', 'Send the file as it is, without content-encoding.');
        return;
      }
      if (Number(request.headers['content-length'] ?? 0) > largestMedium + formBytes) {
        answerUnread(response, 413, 'too_large', tooLarge(largestMedium));
        return;
      }
      const { filename: asked } = queryOf(givenQuery, request);
      const given = await fileOf(request);
      await using file = await takeIn(given.stream, largestMedium);
      if (file === undefined) {
        given.leave();
        answerUnread(response, 413, 'too_large', tooLarge(largestMedium));
        return;
      }
      if (file.size === 0) throw new Refusal('invalid', 'bad_request', 'The file is empty.');
      const mimeType = typeOfMedium(file.shownType, given.claimedType, file.head);
      const kind = kindOfType(mimeType);
      if (kind !== undefined && file.size > mostBytesOfKind(kind)) {
        const most = mostBytesOfKind(kind);
        const message = `WhatsApp takes a file of kind ${kind} up to ${String(most / 1024)} kB: this has ${String(Math.ceil(file.size / 1024))} kB.`;
        answerError(response, 413, 'too_large', message);
        return;
      }
      const filename = nameOf(asked ?? given.filename);
      response.status(201).json(await keep(response.locals.member, file, { filename, mimeType }));
    }),
    route('GET', '/media', 'rep', async (request, response) => {
      const query = queryOf(listed, request);
      const { workspaceId } = response.locals.member;
      response.json(
        await pageOf(query, {
          rows: (page) =>
            store.transact(workspaceId, (trx) => listMedia(trx, { ...page, contactId: query.contactId })),
          keyOf: ({ mediaId }) => mediaId,
          viewOf,
        }),
      );
    }),
    route('GET', '/media/:mediaId', 'rep', async (request, response) => {
      const mediaId = idOf(request, 'mediaId');
      const { workspaceId } = response.locals.member;
      const medium = await store.transact(workspaceId, (trx) => mediumById(trx, mediaId));
      if (medium === undefined) throw noSuch('medium');
      const { place: name, key, size, mimeType, state } = medium;
      if (state !== 'kept' || name === null || key === null || size === null) throw notHere(medium);
      const place = await places.named(name);
      if (place === undefined) {
        await store.transact(workspaceId, (trx) => alertElsewhere(trx, name, clock.now()));
        const message = `Its bytes lie in ${name}, which this process does not reach: see the alerts.`;
        throw new Refusal('missing', 'media_elsewhere', message);
      }
      const ranges = request.range(size);
      if (ranges === -1) {
        response.set('Content-Range', `bytes */${String(size)}`);
        answerError(response, 416, 'no_such_range', `It has ${String(size)} bytes.`);
        return;
      }
      // Of several parts the whole is given.
      const part =
        Array.isArray(ranges) && ranges.type === 'bytes' && ranges.length === 1 ? ranges[0] : undefined;
      const lies = await place.get(key, part);
      if (lies === undefined) {
        const message = `Its bytes are not in ${name} any more.`;
        throw new Refusal('missing', 'media_lost', message);
      }
      const type = mimeType ?? '';
      response.attachment(medium.filename ?? mediaId);
      if (shownTypes.test(type)) {
        response.set(
          'Content-Disposition',
          String(response.get('Content-Disposition')).replace('attachment', 'inline'),
        );
      }
      response.status(part === undefined ? 200 : 206).set({
        'Content-Type': type,
        'Content-Length': String(part === undefined ? size : part.end - part.start + 1),
        'Content-Security-Policy': "default-src 'none'; sandbox",
        'Cache-Control': 'private, no-store',
        'Accept-Ranges': 'bytes',
        ...(part === undefined
          ? {}
          : { 'Content-Range': `bytes ${String(part.start)}-${String(part.end)}/${String(size)}` }),
      });
      // Who went away while it was given wanted no more of it.
      await pipeline(lies, response).catch(() => undefined);
    }),
  ];
}

/** What stands round the file in a form. */
const formBytes = 64 * 1024;

/** A name and no path; undefined where it says nothing. */
function nameOf(given: string | undefined): string | null {
  const name = storableText((given ?? '').split(/[/\\]/).at(-1) ?? '')
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(0, longestFilename);
  return name === '' ? null : name;
}

function wrongType(mimeType: string): Refusal {
  return new Refusal(
    'invalid',
    'wrong_type',
    `By its bytes the file is ${mimeType === 'application/octet-stream' ? 'of no type that WhatsApp takes' : mimeType}, whatever it is ` +
      `called. WhatsApp takes ${mediaTypes.join(', ')}.`,
  );
}

function notHere({ state, reason }: MediumRow): Refusal {
  if (state !== 'waiting') return new Refusal('missing', `media_${state}`, reason ?? 'It is not here.');
  const said = reason === null ? '' : ` The last try: ${reason}`;
  return new Refusal('missing', 'media_waiting', `It is being got from WhatsApp.${said}`);
}

function viewOf({ place: _place, key: _key, createdAt, ...medium }: MediumRow): object {
  return { ...medium, createdAt: iso(createdAt) };
}
