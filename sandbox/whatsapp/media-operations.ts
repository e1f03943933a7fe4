import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SandboxClock } from '../clock.ts';
import type { VendorRequest } from '../crm.ts';
import { type Answer, ok } from '../http.ts';
import { badParameter, graphError, unknownNode } from './graph-errors.ts';
import { bareType, kindOf, largestMedium, mostBytesOf } from './media-kinds.ts';
import type { Media } from './media.ts';
import type { WhatsappRules } from './rules.ts';

/** Graph's operations on media. docs/vendors/whatsapp.md §3.2. */
export interface MediaOperations {
  /** `form`: undefined where the body is none. */
  upload(form: FormData | undefined, file: Upload | undefined): Answer;
  /** Undefined: there is no such medium. */
  read(id: string, request: VendorRequest): Answer | undefined;
  remove(id: string, request: VendorRequest): Answer | undefined;
  download(query: URLSearchParams): Answer;
  /** Where a medium's bytes are for the next minutes. */
  urlOf(id: string, host: string | undefined): string;
}

/** A file of a form, its bytes read. */
interface Upload {
  readonly type: string;
  readonly bytes: Buffer;
}

/** OpenAPI v23: "The URL is only valid for 5 minutes." */
const urlMs = 5 * 60_000;

export function createMediaOperations(options: {
  phoneNumberId: string;
  appSecret: string;
  clock: SandboxClock;
  rules: () => WhatsappRules;
  media: Media;
}): MediaOperations {
  const { phoneNumberId, appSecret, clock, rules, media } = options;

  const sealOf = (id: string, until: string): Buffer =>
    createHmac('sha256', appSecret).update(`medium ${id} ${until}`).digest();

  const isOthers = ({ query }: VendorRequest): boolean =>
    (query.get('phone_number_id') ?? phoneNumberId) !== phoneNumberId;

  const urlOf = (id: string, host = 'localhost'): string => {
    const until = String(clock.now() + urlMs);
    const query = new URLSearchParams({ mid: id, ext: until, hash: sealOf(id, until).toString('base64url') });
    return `http://${host}/sandbox/whatsapp/whatsapp_business/attachments/?${query.toString()}`;
  };

  return {
    upload(form, file) {
      if (form === undefined || file === undefined) return badParameter('The parameter file is required');
      if (form.get('messaging_product') !== 'whatsapp')
        return badParameter('The parameter messaging_product is required');
      const given = form.get('type');
      const type = bareType(typeof given === 'string' && given !== '' ? given : file.type);
      const kind = kindOf(type);
      if (kind === undefined)
        return badParameter(`Param file must be a file with one of the supported types, not ${type}`);
      const most = rules().mediaSizes === 'by kind' ? mostBytesOf(kind) : largestMedium;
      if (file.bytes.length === 0 || file.bytes.length > most)
        return graphError({
          code: 131053,
          details: `A file of type ${kind} has at least one byte and at most ${String(most)}`,
        });
      return ok({ id: media.put('business', type, file.bytes).id });
    },

    read(id, request) {
      const medium = media.get(id);
      if (medium === undefined) return undefined;
      if (isOthers(request)) return unknownNode(id);
      const { mimeType, sha256, size } = medium;
      return ok({
        url: urlOf(id, request.headers.host),
        mime_type: mimeType,
        sha256,
        file_size: rules().fileSizeAs === 'text' ? String(size) : size,
        id,
        messaging_product: 'whatsapp',
      });
    },

    remove(id, request) {
      if (media.get(id) === undefined) return undefined;
      if (isOthers(request)) return unknownNode(id, 'delete');
      media.remove(id);
      return ok({ success: true });
    },

    download(query) {
      const [id, until, hash] = [query.get('mid') ?? '', query.get('ext') ?? '', query.get('hash') ?? ''];
      const [wanted, given] = [sealOf(id, until), Buffer.from(hash, 'base64url')];
      const isOurs = wanted.length === given.length && timingSafeEqual(wanted, given);
      const medium = media.get(id);
      const bytes = media.bytesOf(id);
      if (!isOurs || Number(until) <= clock.now() || medium === undefined || bytes === undefined)
        return {
          status: 404,
          bytes: Buffer.from('URL signature expired'),
          headers: { 'Content-Type': 'text/plain' },
        };
      return {
        status: 200,
        bytes,
        headers: { 'Content-Type': medium.mimeType, 'Content-Disposition': 'attachment' },
      };
    },

    urlOf,
  };
}
