import type { TemplateDraft } from './templates.ts';

/**
 * Templates a business may begin with, to be submitted for review under its own account: without links, numbers or names, which
 * every business has others of. Variables stand neither first nor last. docs/vendors/whatsapp.md §3.9.
 */

/** Whoever gets marketing can end it, or begin it, with one tap: words that count without anybody switching them on. */
const stopEnglish = { kind: 'quick reply', text: 'Stop' } as const;
const stopHindi = { kind: 'quick reply', text: 'स्टॉप' } as const;
const subscribe = { kind: 'quick reply', text: 'Subscribe' } as const;
/** Its label is WhatsApp's own. docs/vendors/whatsapp.md §2.6. */
const shareContactInfo = { kind: 'other', type: 'REQUEST_CONTACT_INFO', text: 'Share Contact Info' } as const;

export const starterTemplates: readonly TemplateDraft[] = [
  {
    name: 'sangam_welcome',
    language: 'en',
    category: 'utility',
    body: 'Hello {{1}}, thank you for your enquiry with {{2}}. We have received it and will get back to you soon. Reply here if you have a question.',
    bodyExamples: ['Asha', 'Sangam Stores'],
    buttons: [],
  },
  {
    name: 'sangam_welcome',
    language: 'hi',
    category: 'utility',
    body: 'नमस्ते {{1}}, {{2}} से संपर्क करने के लिए धन्यवाद। हमें आपकी पूछताछ मिल गई है और हम जल्द ही जवाब देंगे। कोई सवाल हो तो यहीं लिखें।',
    bodyExamples: ['आशा', 'संगम स्टोर्स'],
    buttons: [],
  },
  {
    name: 'sangam_follow_up',
    language: 'en',
    category: 'marketing',
    body: 'Hello {{1}}, you asked us about {{2}} some time ago. Are you still interested? We are happy to help.',
    bodyExamples: ['Asha', 'a two-bedroom flat'],
    buttons: [{ kind: 'quick reply', text: 'Yes, tell me more' }, stopEnglish],
  },
  {
    name: 'sangam_follow_up',
    language: 'hi',
    category: 'marketing',
    body: 'नमस्ते {{1}}, कुछ समय पहले आपने हमसे {{2}} के बारे में पूछा था। क्या आपकी अब भी रुचि है? हमें मदद करके खुशी होगी।',
    bodyExamples: ['आशा', 'दो कमरों के फ़्लैट'],
    buttons: [{ kind: 'quick reply', text: 'हाँ, और बताइए' }, stopHindi],
  },
  {
    name: 'sangam_payment_reminder',
    language: 'en',
    category: 'utility',
    body: 'Hello {{1}}, your payment of {{2}} for {{3}} is due on {{4}}. If you have already paid, please ignore this message.',
    bodyExamples: ['Asha', '₹4,500', 'invoice 1042', '12 December'],
    buttons: [{ kind: 'quick reply', text: 'I have paid' }],
  },
  {
    name: 'sangam_payment_reminder',
    language: 'hi',
    category: 'utility',
    body: 'नमस्ते {{1}}, आपको {{2}} का भुगतान ({{3}}) {{4}} तक करना है। यदि आप भुगतान कर चुके हैं तो कृपया इस संदेश को अनदेखा करें।',
    bodyExamples: ['आशा', '₹4,500', 'बिल 1042', '12 दिसंबर'],
    buttons: [{ kind: 'quick reply', text: 'भुगतान कर दिया' }],
  },
  {
    name: 'sangam_ask_opt_in',
    language: 'en',
    category: 'marketing',
    body: 'Hello {{1}}, may {{2}} send you offers and news on WhatsApp? You can stop them at any time by writing STOP.',
    bodyExamples: ['Asha', 'Sangam Stores'],
    buttons: [subscribe, stopEnglish],
  },
  {
    name: 'sangam_ask_opt_in',
    language: 'hi',
    category: 'marketing',
    body: 'नमस्ते {{1}}, क्या {{2}} आपको WhatsApp पर ऑफ़र और समाचार भेज सकता है? आप कभी भी STOP लिखकर इन्हें बंद कर सकते हैं।',
    bodyExamples: ['आशा', 'संगम स्टोर्स'],
    buttons: [subscribe, stopHindi],
  },
  {
    name: 'sangam_share_contact_info',
    language: 'en',
    category: 'utility',
    body: 'Hello {{1}}, to go on with your enquiry we need your phone number. Tap below to share it with us.',
    bodyExamples: ['Asha'],
    buttons: [shareContactInfo],
  },
  {
    name: 'sangam_share_contact_info',
    language: 'hi',
    category: 'utility',
    body: 'नमस्ते {{1}}, आपकी पूछताछ आगे बढ़ाने के लिए हमें आपका फ़ोन नंबर चाहिए। इसे साझा करने के लिए नीचे टैप करें।',
    bodyExamples: ['आशा'],
    buttons: [shareContactInfo],
  },
];
