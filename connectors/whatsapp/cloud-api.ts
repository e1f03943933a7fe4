import type { Provider } from '@sangam/core/whatsapp';
import { fetchMedia, uploadMedia } from './cloud-media.ts';
import { accountTemplates, submitTemplate } from './cloud-templates.ts';
import { asJson, callGraph, type GraphAccess, isSuccess } from './graph-call.ts';
import { graphErrorIn, graphFailure } from './graph-errors.ts';
import { messageBody } from './message-body.ts';
import { sendAnswer, unanswered } from './send-answer.ts';

/** Shorter than a lease (docs/design.md §4). An answer to a send is small: unpacking one would cost more than it saves. */
const bounds = { timeoutMs: 20_000, mostBytes: 1024 * 1024 };
const unpacked = { 'Accept-Encoding': 'identity' };

export interface CloudApiAccess extends GraphAccess {
  readonly phoneNumberId: string;
  readonly wabaId: string;
}

/** A channel at Meta's Cloud API. docs/vendors/whatsapp.md §3. */
export function openCloudApi(access: CloudApiAccess): Provider {
  const { phoneNumberId, accessToken } = access;
  const post = async (endpoint: string, body: object, beginBy?: number) => {
    const json = asJson(body);
    const headers = { ...json.headers, ...unpacked };
    return callGraph(
      access,
      { method: 'POST', path: `/${phoneNumberId}/${endpoint}`, ...json, headers },
      { ...bounds, beginBy },
    );
  };
  return {
    async send(message) {
      try {
        const body = messageBody(message);
        if (body === undefined) {
          return {
            outcome: 'refused',
            error: { code: 131_053, details: 'The medium is not at WhatsApp yet.' },
          };
        }
        const endpoint = message.asMarketing ? 'marketing_messages' : 'messages';
        return sendAnswer(await post(endpoint, body, message.beginBy), accessToken);
      } catch (error) {
        return unanswered(error);
      }
    },
    async markRead(wamid, typing) {
      const answer = await post('messages', {
        messaging_product: 'whatsapp',
        status: 'read',
        message_id: wamid,
        ...(typing ? { typing_indicator: { type: 'text' } } : {}),
      });
      if (!isSuccess(answer)) throw graphFailure(answer.status, graphErrorIn(answer, accessToken));
    },
    templates: (name) => accountTemplates(access, name),
    submitTemplate: (draft) => submitTemplate(access, draft),
    uploadMedia: (medium) => uploadMedia(access, medium),
    fetchMedia: (mediaId, mostBytes) => fetchMedia(access, mediaId, mostBytes),
  };
}
