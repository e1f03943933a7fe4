/** What WhatsApp takes of media. docs/vendors/whatsapp.md §3.2 [M]; types from memory, after Meta's list. */

export const mediaKinds = ['image', 'video', 'audio', 'document', 'sticker'] as const;
export type MediaKind = (typeof mediaKinds)[number];

const mb = 1024 * 1024;

export const largestMedium = 100 * mb;

const kinds: Readonly<Record<MediaKind, { readonly most: number; readonly types: readonly string[] }>> = {
  image: { most: 5 * mb, types: ['image/jpeg', 'image/png'] },
  video: { most: 16 * mb, types: ['video/mp4', 'video/3gpp'] },
  audio: {
    most: 16 * mb,
    types: ['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/ogg', 'audio/opus'],
  },
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

/** Undefined: WhatsApp takes no such type. */
export function kindOf(mimeType: string): MediaKind | undefined {
  const bare = bareType(mimeType);
  return mediaKinds.find((kind) => kinds[kind].types.includes(bare));
}

export function mostBytesOf(kind: MediaKind): number {
  return kinds[kind].most;
}

/** Without parameters: `audio/ogg; codecs=opus` is `audio/ogg`. */
export function bareType(mimeType: string): string {
  return (mimeType.split(';')[0] ?? '').trim().toLowerCase();
}
