import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { VendorRequest } from '../crm.ts';
import { type Answer, ok, parseJson } from '../http.ts';
import { badParameter, unknownNode } from './graph-errors.ts';

/** The resumable upload by which samples of headers come. docs/vendors/whatsapp.md §3.2. */
export interface UploadSessions {
  /** `POST /{app id}/uploads` */
  open(request: VendorRequest): Answer;
  /** `POST /upload:…`, from `file_offset` on: the handle once all of it is there. */
  append(id: string, request: VendorRequest): Answer;
  /** `GET /upload:…`: how far it is. */
  read(id: string): Answer;
}

const opening = z.looseObject({
  file_length: z.coerce.number().int().min(1),
  file_type: z.enum(['application/pdf', 'image/jpeg', 'image/jpg', 'image/png', 'video/mp4']),
});

/** What all that is under way may hold; samples themselves are not kept. */
const mostBytes = 100 * 1024 * 1024;

export function createUploadSessions(): UploadSessions {
  const sessions = new Map<string, { readonly type: string; readonly length: number; bytes: Buffer }>();
  return {
    open({ query, text }) {
      const body = z.record(z.string(), z.unknown()).safeParse(parseJson(text)).data ?? {};
      const read = opening.safeParse({ ...Object.fromEntries(query), ...body });
      if (!read.success) return badParameter(z.prettifyError(read.error));
      const id = `upload:${randomBytes(24).toString('base64url')}`;
      sessions.set(id, { type: read.data.file_type, length: read.data.file_length, bytes: Buffer.alloc(0) });
      return ok({ id });
    },
    append(id, { headers, bytes }) {
      const session = sessions.get(id);
      if (session === undefined) return unknownNode(id, 'post');
      const offset = Number(headers['file_offset'] ?? 0);
      if (offset !== session.bytes.length)
        return badParameter(`file_offset is ${String(session.bytes.length)}, not ${String(offset)}`);
      if (offset + bytes.length > Math.min(session.length, mostBytes))
        return badParameter('more bytes than file_length said');
      session.bytes = Buffer.concat([session.bytes, bytes]);
      if (session.bytes.length < session.length) return ok({ id, file_offset: session.bytes.length });
      sessions.delete(id);
      const seal = createHash('sha256').update(session.bytes).digest('base64url');
      return ok({
        h: `4::${Buffer.from(session.type).toString('base64')}:ARZ${seal}:e:${String(Date.now())}`,
      });
    },
    read(id) {
      const session = sessions.get(id);
      return session === undefined ? unknownNode(id) : ok({ id, file_offset: session.bytes.length });
    },
  };
}
