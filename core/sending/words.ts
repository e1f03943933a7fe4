import type { OutboundContent } from '../whatsapp/index.ts';

/** What the person reads of a message that is no template. */
export function textOfContent(content: OutboundContent): string {
  switch (content.type) {
    case 'text':
      return content.text;
    case 'image':
    case 'video':
      return content.caption ?? `[${content.type}]`;
    case 'document':
      return content.caption ?? content.filename ?? '[document]';
    case 'audio':
      return content.voice === true ? '[voice message]' : '[audio]';
    case 'sticker':
      return '[sticker]';
    case 'location':
      return [content.name, content.address].filter((part) => part !== undefined).join(', ') || '[location]';
    case 'interactive':
      return bodyOf(content.interactive) ?? `[${content.interactive.type}]`;
    case 'reaction':
      return content.emoji;
    case 'template':
      return `[${content.template.name}]`;
  }
}

function bodyOf({ body }: { readonly [key: string]: unknown }): string | undefined {
  const text: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'text') : undefined;
  return typeof text === 'string' ? text : undefined;
}
