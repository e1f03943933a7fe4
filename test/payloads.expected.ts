/**
 * What every payload of the vendor data comes to, judged one by one: per event its kind, key, who it shows and what it
 * holds, as `describeEvent` writes them. The payloads themselves stay where they are; only what comes out stands here.
 */
export const expectedEvents: Readonly<Record<string, readonly string[]>> = {
  // webhooks
  'account-settings-update__piusalfred__webhooks-test-go-11': [
    'kept account_settings_update/[phone_number_settings] | account_settings_update:…f6703126',
  ],
  'account-update-account-offboarded__david-lev__account-update-account-offboarded': [
    'kept account_update | account_update:69f297d06…43451903',
  ],
  'account-update-account-restriction__david-lev__account-update-account-restriction': [
    'kept account_update | account_update:558c79349…41330498',
  ],
  'account-update-ad-account-linked__david-lev__account-update-ad-account-linked': [
    'kept account_update | account_update:079b0f615…44823932',
  ],
  'account-update-business-primary-location-country-update__david-lev__account-update-primary-business-location-set':
    ['kept account_update | account_update:afecac61f…43138982'],
  'account-update-mm-lite-terms-signed__david-lev__account-update-mm-api-for-wa-terms-of-service': [
    'kept account_update | account_update:ed24c8fe3…44823932',
  ],
  'account-update-partner-app-installed__david-lev__account-update-partner-app-installed': [
    'kept account_update | account_update:160760f6b…45337174',
  ],
  'account-update-partner-client-certification-status-update__david-lev__account-update-partner-led-business-verification-status':
    ['kept account_update | account_update:99ddda981…43138982'],
  'account-update-partner-removed__david-lev__account-update-partner-removed': [
    'kept account_update | account_update:c55fe48ef…48477359',
  ],
  'automatic-events-some-future-event__piusalfred__webhooks-test-go-16': [
    'kept automatic_events | automatic_events:d65490d…ef6b1e73',
  ],
  'calls-call-recording-available__piusalfred__calls-test-go-0': [
    'kept calls | calls:aff5e6481f68e8119c711124cad4d8e9',
  ],
  'calls-call-transcription-available__piusalfred__calls-test-go-1': [
    'kept calls | calls:cd82c7bbb0ee1fec370a040229c51a8c',
  ],
  'calls-connect__david-lev__call-connect-business-initiated': [
    'kept calls | calls:6760b1ce489ca7ae08fd4a770ad606a9',
  ],
  'calls-terminate__david-lev__call-terminate-call-terminate': [
    'kept calls/errors | calls:ffe6b05c153c08cf5459ae8e73270ce8',
    'kept calls | calls:7aac8227e83c752dbe06407b8424e0d4',
  ],
  'empty__piusalfred__listener-test-go-1': [],
  'empty__piusalfred__webhooks-test-go-18': [],
  'groups__facebook__group-create-message': [
    'kept group_lifecycle_update | group_lifecycle_update:c…977f2a1e',
  ],
  'groups__facebook__group-remove-participants': [
    'kept group_participants_update | group_participants_updat…47cea86a',
  ],
  'groups__facebook__group-settings-update': [
    'kept group_settings_update | group_settings_update:1f…12c0a62e',
  ],
  'groups__piusalfred__webhooks-test-go-12': [
    'kept group_lifecycle_update | group_lifecycle_update:d…d1ee7079',
  ],
  'groups__piusalfred__webhooks-test-go-13': [
    'kept group_participants_update | group_participants_updat…e7f9a993',
  ],
  'groups__piusalfred__webhooks-test-go-14': [
    'kept group_settings_update | group_settings_update:86…b0f7a211',
  ],
  'groups__piusalfred__webhooks-test-go-15': ['kept group_status_update | group_status_update:b089…7ecc83a4'],
  'message-echoes-revoke__david-lev__outgoing-message-delete': [
    'echo of phone app: revoke | echo:wamid.yyyyyy | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | revokes wamid.zzzzzz',
  ],
  'message-template-components-update__david-lev__template-components-update-element': [
    'kept message_template_components_update | message_template_compone…51483772',
  ],
  'message-template-status-update-approved__david-lev__template-status-update-approved': [
    'kept message_template_status_update | message_template_status_…51247548',
  ],
  'message-template-status-update-approved__piusalfred__business-test-go-0': [
    'kept message_template_status_update | message_template_status_…19000000',
  ],
  'mixed-5__piusalfred__webhooks-test-go-2': [
    'message: text | message:wamid.TEXT123 | +16505551234 | named John Doe | says Hello from a text message!',
    'message: location | message:wamid.LOC789 | +16505551234 | named John Doe',
    'message: reaction | message:wamid.RXN001 | +16505551234 | named John Doe | reacts 👍 to wamid.TEXT123',
    'message: sticker | message:wamid.STK002 | +16505551234 | named John Doe | media image/webp',
    'preference stop | preference:16505551234:stop:1680123462 | +16505551234',
    'preference stop | preference:16505551234:stop:1680123463 | +16505551234',
  ],
  'msg-audio-bsuid__david-lev__message-audio': [
    'message: audio | message:wamid.xyzxyz | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | media audio/ogg; codecs=opus',
  ],
  'msg-button-bsuid__david-lev__callback-button-quick-reply-without-context': [
    'message: button | message:wamid.xsidjx | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | says title | payload callback_data',
  ],
  'msg-button__facebook__button-message': [
    'message: button | message:wamid.HBgLMTY1MD…NUZFOQA= | +16505551234 | named Sheena Nelson | says Unsubscribe | payload Unsubscribe | answers wamid.HBgLMTY1MDM4Nzk0Mz…MzUyQUYA',
  ],
  'msg-button__piusalfred__webhooks-test-go-3': [
    'echo of phone app: button | echo:wamid.BUTTONMSG | +100200300 | says No | payload No-Button-Payload | answers wamid.IDCTX',
  ],
  'msg-button__whatsapp__received-callback-from-a-quick-reply-button-click': [
    'message: button | message:wamid.ABGGFlCGg0…BA2VFD_S | +16315551234 | named Kerry Fisher | says No | payload No-Button-Payload | answers wamid.gBGGFlCGg0cvAgkLFm4e9tICiTI',
  ],
  'msg-contacts-bsuid__david-lev__message-contacts': [
    'message: contacts | message:wamid.xyzxyz | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name',
  ],
  'msg-contacts__facebook__contact-sharing-message': [
    'message: contacts | message:wamid.HBgLMTY1MD…MTQ0RgA= | +16505551234 | named Sheena Nelson',
  ],
  'msg-edit-bsuid__david-lev__edited-message-image': [
    'message: edit | message:wamid.HBgLMTY1MD…MUMxMAA= | +16505551234 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | says Updated image caption | edits wamid.HBgLMTQxMjU1NTA4Mj…M0VBRAA=',
  ],
  'msg-image-bsuid__david-lev__message-media-with-url': [
    'message: image | message:wamid.xyzxyz | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | media image/jpeg',
  ],
  'msg-image__facebook__image-message': [
    'message: image | message:wamid.HBgLMTY1MD…MTQ0RgA= | +16505551234 | named Sheena Nelson | says Taj Mahal | media image/jpeg',
  ],
  'msg-image__whatsapp__received-media-message-with-image': ['unreadable no_identity | message:wamid.id'],
  'msg-interactive-button-reply__facebook__interactive-button-reply-message': [
    'message: interactive | message:wamid.HBgLMTY1MD…NkVGOAA= | +16505551234 | named Sheena Nelson | says Cancel | payload cancel-button | answers wamid.HBgLMTY1MDM4Nzk0Mz…QTVDRjUA',
  ],
  'msg-interactive-button-reply__piusalfred__webhooks-test-go-5': [
    'message: interactive | message:wamid.BTNREPLY1 | +17771234567 | named ButtonReplyUser | says button-text | payload unique-button-identifier-here',
  ],
  'msg-interactive-call-permission-reply-bsuid__david-lev__call-permission-update-accept': [
    'message: interactive | message:wamid.x | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | answers wamid.y==',
  ],
  'msg-interactive-list-reply-bsuid__david-lev__callback-selection-callback': [
    'message: interactive | message:wamid.zyzxyz | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | says title | payload callback_data | answers wamid.xyzxyz',
  ],
  'msg-interactive-list-reply__facebook__interactive-list-reply-message': [
    'message: interactive | message:wamid.HBgLMTY1MD…OTc5RgA= | +16505551234 | named Sheena Nelson | says Priority Mail Express | payload priority_express | answers wamid.HBgLMTY1MDM4Nzk0Mz…ODlDRDgA',
  ],
  'msg-interactive-list-reply__piusalfred__webhooks-test-go-4': [
    'message: interactive | message:wamid.IDLIST | +1987654321 | named List Tester | says list_reply_title | payload list_reply_id',
  ],
  'msg-interactive-nfm-reply-bsuid__david-lev__flow-completion-completion': [
    'message: interactive | message:wamid.wegrchytvwcggt== | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | answers wamid.gvwegfretge== | flow with token',
  ],
  'msg-interactive-x-bsuid__david-lev__message-interactive-message-with-err': [
    'message: interactive | message:wamid.wegrchytvwcggt= | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | answers wamid.gvwegfretge==',
    'kept messages/errors | messages:bae736e2c624dec…1c7c70a1',
  ],
  'msg-location-bsuid__david-lev__message-current-location': [
    'message: location | message:wamid.xyzxyz | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name',
  ],
  'msg-location__facebook__location-message': [
    'message: location | message:wamid.HBgLMTY1MD…MDE0RQA= | +16505551234 | named Sheena Nelson',
  ],
  'msg-notype__whatsapp__received-contact-messages': ['unreadable no_identity | message:<wamid.ID>'],
  'msg-notype__whatsapp__received-static-location-messages-json-repaired': [
    'unreadable no_identity | message:wamid.ID',
  ],
  'msg-order__facebook__order-message': [
    'message: order | message:wamid.HBgLMTY1MD…QTMyOQA= | +16505551234 | named Sheena Nelson',
  ],
  'msg-order__whatsapp__received-order-messages': [
    'message: order | message:wamid.ABGGFlCGg0…hfK5760V | +16315551234 | named Kerry Fisher | says text-message-sent-along-with-the-order | answers wamid.gBGGFlaCGg0xcvAdgmZ9plHrf2Mh-o',
  ],
  'msg-reaction-bsuid__david-lev__message-reaction': [
    'message: reaction | message:wamid.xyzxyz | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | reacts 😮 to wamid.yzxyzx=',
  ],
  'msg-reaction-bsuid__david-lev__message-unreaction-no-emoji': [
    'message: reaction | message:wamid.xyzxyz | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | reacts (taken back) to wamid.yzxyzx=',
  ],
  'msg-reaction__facebook__reaction-message': [
    'message: reaction | message:wamid.HBgLMTY1MD…MTQ0RgA= | +16505551234 | named Sheena Nelson | reacts 👍 to wamid.HBgLMTY1MDM4Nzk0Mz…RDlGNkYA',
  ],
  'msg-reaction__whatsapp__received-message-with-reaction': ['unreadable no_identity | message:message_id'],
  'msg-referral-text__facebook__text-message-from-click-to-whatsapp-ad': [
    'message: text | message:wamid.HBgLMTY1MD…NkNDNAA= | +16505551234 | named Sheena Nelson | says Hello! Can I get more info on this? | from ad with click id',
  ],
  'msg-referral-text__piusalfred__webhooks-test-go-6': [
    'message: text | message:wamid.REF001 | +100100200 | named AdUser | says Hi from an ad click! | from ad with click id',
  ],
  'msg-referral-text__whatsapp__received-message-triggered-by-click-to-whatsapp-ads': [
    'unreadable no_identity | message:wamid.ID',
  ],
  'msg-revoke-bsuid__david-lev__deleted-message-revoke': [
    'message: revoke | message:<WHATSAPP_MESSAGE_ID> | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | revokes <ORIGINAL_WHATSAPP_MESSAGE_ID>',
  ],
  'msg-sticker-bsuid__david-lev__message-static-sticker': [
    'message: sticker | message:wamid.xyzxyz | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | media image/webp',
  ],
  'msg-sticker__whatsapp__received-media-message-with-sticker': [
    'unreadable no_identity | message:<WHATSAPP_BUSINESS_ACCOUNT_ID>',
  ],
  'msg-system-user-changed-number__david-lev__system-phone-number-change': [
    'identity_change | message:wamid.xyzxyz== | from +972987654321 | to +972912345678',
  ],
  'msg-system-user-changed-number__facebook__system-message': [
    'identity_change | message:wamid.HBgLMTk4Mz…MjY3AA== | from +16505551234 | to +12195555358',
  ],
  'msg-system-user-changed-number__piusalfred__webhooks-test-go-8': [
    'identity_change | message:wamid.USERCHANGE | from +15550002222 | to +15550003333',
  ],
  'msg-text-bsuid__david-lev__message-forwarded': [
    'message: text | message:wamid.xyzxyz | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | says forwarded text',
  ],
  'msg-text-bsuid__david-lev__message-text': [
    'message: text | message:wamid.xyzxyz | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | says Body Text',
  ],
  'msg-text-msg-reaction__piusalfred__webhooks-test-go-0': [
    'message: text | message:wamid.GBGX2323902 | +1234567890 | named Sam Sample | says Hello from a text message',
    'message: reaction | message:wamid.OMGReaction | +1234567890 | named Sam Sample | reacts 👍 to wamid.GBGX2323902',
  ],
  'msg-text-product-inquiry__facebook__text-message-with-context-product-inquiry': [
    'message: text | message:wamid.HBgLMTY1MD…RUU0NQA= | +16505551234 | named Sheena Nelson | says Is this still available? | answers wamid.HBgLMTY1MDM4Nzk0Mz…cXVpcnkA',
  ],
  'msg-text-product-inquiry__piusalfred__webhooks-test-go-7': [
    'message: text | message:wamid.PRODINQ001 | +16789991111 | named ProductUser | says Interested in your product! | answers wamid.IDCONTEXT1',
  ],
  'msg-text-product-inquiry__whatsapp__received-product-enquiry-message': [
    'unreadable no_identity | message:wamid.ID',
  ],
  'msg-text-user-preferences-stop__piusalfred__webhooks-test-go-1': [
    'message: text | message:wamid.TEXTXYZ123 | +1234567890 | named Alex Tester | says Hello from a text message',
    'preference stop | preference:1234567890:stop:1690000000 | +1234567890',
  ],
  'msg-text__facebook__text-message': [
    'message: text | message:wamid.HBgLMTY1MD…MTQ0RgA= | +16505551234 | named Sheena Nelson | says Does it come in another color?',
  ],
  'msg-text__piusalfred__listener-test-go-0': [
    'message: text | message:wamid.test123 | +1234567890 | named Test User | says hello',
  ],
  'msg-text__piusalfred__router-test-go-1': ['unreadable no_identity | message:1'],
  'msg-text__whatsapp__received-text-message-with-show-security-notifications': [
    'unreadable no_identity | message:ABGGFjFVU2AfAgo6V-Hc5eCgK5Gh',
  ],
  'msg-text__whatsapp__received-text-message': [
    'message: text | message:wamid.ABGGFlCGg0…43L5Pe4W | +16315551234 | named Kerry Fisher | says Hello this is an answer',
  ],
  'msg-unknown-errors__whatsapp__received-unknown-messages': [
    'message: unknown | message:wamid.ABGGFlA5Fp…mNjXmuSf | +16315555555 | named Kerry Fisher | error 130501',
  ],
  'msg-unsupported-bsuid__david-lev__message-unsupported': [
    'message: unsupported | message:wamid.xyzxyz | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | named Test Name | error 131051',
  ],
  'msg-unsupported__facebook__unsupported-message': [
    'message: unsupported | message:wamid.HBgLMTQyMD…RDA2OTkA | +16505551234 | named Sheena Nelson | error 131051',
  ],
  'msg-unsupported__piusalfred__webhooks-test-go-10': ['unreadable no_identity | echo:wamid.ID'],
  'msg-unsupported__whatsapp__status-message-deleted-json-repaired': [
    'unreadable no_identity | message:wamid.ID',
  ],
  'status-captured-failed-pending__whatsapp__status-transaction-status-order-details-message': [
    'kept messages/status/payment | status:wamid.ID:<capture…pending>',
  ],
  'status-delivered-cbp__david-lev__message-status-delivered': [
    'status delivered | status:wamid.xyzxyz:delivered | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | priced CBP service',
  ],
  'status-delivered-cbp__whatsapp__status-message-delivered-business-delivered-from-user-json-r': [
    'status delivered | status:wamid.ID:delivered |  | no time | priced CBP user_initiated',
  ],
  'status-delivered-cbp__whatsapp__status-message-delivered-user-initiated-json-repaired': [
    'status delivered | status:wamid.ID:delivered |  | no time | priced CBP',
  ],
  'status-failed-errors__whatsapp__status-message-failed-json-repaired': [
    'status failed | status:wamid.ID:failed |  | no time | error 131014',
  ],
  'status-played-cbp__david-lev__message-status-played': [
    'status played | status:wamid.xyzxyz:played | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | priced CBP service',
  ],
  'status-read__david-lev__message-status-group': [
    'kept messages/status/group | status:<WHATSAPP_MESSAGE…_NUMBER>',
  ],
  'status-sent-cbp__david-lev__message-status-sent': [
    'status sent | status:wamid.xyzxyz:sent | +972987654321 US.13491208655302741918 US.ENT.11815799212886844830 | priced CBP service',
  ],
  'status-sent-cbp__piusalfred__webhooks-test-go-9': [
    'status sent | status:wamid.STATUSMSG:sent | +123456789 | priced CBP user_initiated',
  ],
  'status-sent-cbp__whatsapp__status-message-delivered-business-from-user-initiated-json-r': [
    'status sent | status:wamid.ID:sent |  | no time | priced CBP referral_conversion',
  ],
  'status-sent-cbp__whatsapp__status-message-sent-business-initiated-json-repaired': [
    'status sent | status:wamid.ID:sent |  | no time | priced CBP business_initated',
  ],
  'status-sent-cbp__whatsapp__status-message-sent-business-reply-to-user-json-repaired': [
    'status sent | status:wamid.ID:sent |  | no time | priced CBP referral_conversion',
  ],
  'status-sent-cbp__whatsapp__status-message-sent-user-initiated-json-repaired': [
    'status sent | status:wamid.ID:sent |  | no time | priced CBP user_initiated',
  ],
  'status-sent__whatsapp__message-status-update-notifications': [
    'status sent | status:wamid.gBGGFlCGg0c…wNo:sent | +16315551234',
  ],
  'template-category-update__david-lev__template-category-update-marketing': [
    'kept template_category_update | template_category_update…50344882',
  ],
  'unknown-field-xyz__piusalfred__webhooks-test-go-17': [
    'kept unknown_field_xyz | unknown_field_xyz:44136f…f7e8649e',
  ],
  'user-preferences-signup__david-lev__user-marketing-preferences-signup': [
    'preference signup | preference:16505551234:signup:1731705721 | +16505551234 | signup 13176843987434774',
  ],
  // constructed
  batch_two_entries_duplicate_message_and_status: [
    'message: text | message:wamid.DUP1 | +919812345678 IN.81726354536271890 | named Asha R | says STOP',
    'message: text | message:wamid.DUP1 | +919812345678 IN.81726354536271890 | named Asha R | says STOP',
    'status read | status:wamid.HBgLMTY1MDM…AA=:read | +919812345678 IN.81726354536271890',
    'status delivered | status:wamid.HBgLMTY1MDM…elivered | +919812345678 IN.81726354536271890',
  ],
  flows_FLOW_STATUS_CHANGE: ['kept flows | flows:9e6abf1b4ccd279ad3…86000003'],
  status_delivered_pmp_free_entry_point_with_conversation: [
    'status delivered | status:wamid.HBgLMTY1MDM…elivered | +919812345678 IN.81726354536271890 | priced PMP referral_conversion free_entry_point',
  ],
  'status_delivered_pmp_utility_in_window_billable_after_2026-10-01': [
    'status delivered | status:wamid.HBgLMTY1MDM…elivered | +919812345678 IN.81726354536271890 | priced PMP utility regular | opaque outbox:01JD8Z',
  ],
  status_failed_131026_bsuid: [
    'status failed | status:wamid.HBgLMTY1MDM…=:failed | IN.81726354536271890 | error 131026',
  ],
  status_failed_131047_reengagement: [
    'status failed | status:wamid.HBgLMTY1MDM…=:failed | +919812345678 | error 131047',
  ],
  status_failed_131050_user_stopped_marketing: [
    'status failed | status:wamid.HBgLMTY1MDM…=:failed | +919812345678 | error 131050',
  ],
  'status_sent_pmp_service_billable_after_2026-10-01': [
    'status sent | status:wamid.HBgLMTY1MDM…AA=:sent | +919812345678 IN.81726354536271890 | priced PMP service regular',
  ],
  status_sent_pmp_service_free_customer_service: [
    'status sent | status:wamid.HBgLMTY1MDM…AA=:sent | +919812345678 IN.81726354536271890 | priced PMP service free_customer_service',
  ],
  user_preferences_stop_bsuid_only: [
    'preference stop | preference:IN.8172635453…86000001 | IN.81726354536271890 @asha.r',
  ],
};
