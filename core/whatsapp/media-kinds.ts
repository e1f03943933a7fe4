import { isUtf8 } from 'node:buffer';

/** What WhatsApp takes of media, and what bytes are taken for. docs/vendors/whatsapp.md §3.2. */

const mediaKinds = ['image', 'video', 'audio', 'document', 'sticker'] as const;
export type MediaKind = (typeof mediaKinds)[number];

const mb = 1024 * 1024;

/** The largest of any kind. */
export const largestMedium = 100 * mb;

const kinds: Readonly<Record<MediaKind, { readonly most: number; readonly types: readonly string[] }>> = {
  image: { most: 5 * mb, types: ['image/jpeg', 'image/png'] },
  video: { most: 16 * mb, types: ['video/mp4', 'video/3gpp'] },
  audio: { most: 16 * mb, types: ['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/ogg'] },
  sticker: { most: 500 * 1024, types: ['image/webp'] },
  document: {
    most: largestMedium,
    types: [
      'text/plain',
      'application/pdf',
      'application/msword',
      'application/vnd.ms-excel',
      'application/vnd.ms-powerpoint',
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
      'application/vnd.openxmlformats-officedocument.presentationml.presentation',
    ],
  },
};

export function isMediaKind(type: string): type is MediaKind {
  return mediaKinds.some((kind) => kind === type);
}

/** Undefined: WhatsApp takes no such type. */
export function kindOfType(mimeType: string): MediaKind | undefined {
  return mediaKinds.find((kind) => kinds[kind].types.includes(mimeType));
}

export function mostBytesOfKind(kind: MediaKind): number {
  return kinds[kind].most;
}

/** Every type WhatsApp takes. */
export const mediaTypes: readonly string[] = mediaKinds.flatMap((kind) => kinds[kind].types);

/** What nobody knows: kept and given as it is, never shown. */
const unknownType = 'application/octet-stream';

/** Containers that begin alike: which of these a file is only who wrote it can say. */
const alike: Readonly<Record<string, readonly string[]>> = {
  'application/x-cfb': ['application/msword', 'application/vnd.ms-excel', 'application/vnd.ms-powerpoint'],
  'video/mp4': ['audio/mp4'],
};
const otherNames: Readonly<Record<string, string>> = {
  'audio/x-m4a': 'audio/mp4',
  'audio/opus': 'audio/ogg',
};

/**
 * What a medium is taken for: what its bytes show before what was claimed, so that a script is no picture. `shown`: by its first
 * bytes; `head`: these, of which plain text has none of its own.
 */
export function typeOfMedium(shown: string | undefined, claimed: string, head: Uint8Array): string {
  const said = bareType(claimed);
  if (shown === undefined) return said === 'text/plain' && isText(head) ? said : unknownType;
  const bare = bareType(shown);
  const named = otherNames[bare] ?? bare;
  return alike[named]?.includes(said) === true ? said : named;
}

/** Without parameters: `audio/ogg; codecs=opus` is `audio/ogg`. */
function bareType(mimeType: string): string {
  return (mimeType.split(';')[0] ?? '').trim().toLowerCase();
}

/** A last character may be cut off. */
function isText(head: Uint8Array): boolean {
  const whole = [0, 1, 2, 3].some((cut) => isUtf8(head.subarray(0, head.length - cut)));
  return whole && !head.includes(0);
}

/** A hash as Meta says it, in hex in answers and in base64 in webhooks; undefined: it is none. */
export function hexHash(sha256: string | undefined): string | undefined {
  if (sha256 === undefined) return undefined;
  if (/^[\da-f]{64}$/i.test(sha256)) return sha256.toLowerCase();
  const bytes = Buffer.from(sha256, 'base64');
  return bytes.length === 32 ? bytes.toString('hex') : undefined;
}
