/** Graph's error codes the sandbox plays. docs/vendors/whatsapp.md §3.6; HTTP statuses and wording from memory. */
export interface GraphCode {
  readonly status: number;
  readonly title: string;
  /** Meta says of these that nothing was accepted. docs/vendors/whatsapp.md §3.3. */
  readonly isTransient?: true;
  /** Marketing templates alone meet it. docs/vendors/whatsapp.md §3.4, §1.8. */
  readonly marketingOnly?: true;
  /** Not while the person's service window is open. docs/vendors/whatsapp.md §3.4. */
  readonly exempt?: 'window' | 'window or free entry point';
}

export const graphCodes: ReadonlyMap<number, GraphCode> = new Map<number, GraphCode>([
  [1, { status: 500, title: 'API Unknown', isTransient: true }],
  [2, { status: 503, title: 'API Service', isTransient: true }],
  [4, { status: 400, title: 'API Too Many Calls' }],
  [10, { status: 403, title: 'Permission Denied' }],
  [33, { status: 400, title: 'Parameter value is not valid' }],
  [100, { status: 400, title: 'Invalid parameter' }],
  [190, { status: 401, title: 'Access token has expired' }],
  [200, { status: 403, title: 'API Permission' }],
  [368, { status: 403, title: 'Temporarily blocked for policies violations' }],
  [80007, { status: 400, title: 'Rate limit issues' }],
  [130429, { status: 400, title: 'Rate limit hit' }],
  [
    130472,
    {
      status: 400,
      title: "User's number is part of an experiment",
      marketingOnly: true,
      exempt: 'window or free entry point',
    },
  ],
  [130497, { status: 403, title: 'Business account is restricted from messaging users in this country' }],
  [131000, { status: 500, title: 'Something went wrong', isTransient: true }],
  [131005, { status: 403, title: 'Access denied' }],
  [131008, { status: 400, title: 'Required parameter is missing' }],
  [131009, { status: 400, title: 'Parameter value is not valid' }],
  [131016, { status: 500, title: 'Service unavailable', isTransient: true }],
  [131021, { status: 400, title: 'Recipient cannot be sender' }],
  [131026, { status: 400, title: 'Message undeliverable' }],
  [131030, { status: 400, title: 'Recipient phone number not in allowed list' }],
  [131031, { status: 403, title: 'Account has been locked' }],
  [131037, { status: 400, title: 'WhatsApp provided number needs display name approval' }],
  [131042, { status: 400, title: 'Business eligibility payment issue' }],
  [131045, { status: 500, title: 'Incorrect certificate' }],
  [131047, { status: 400, title: 'Re-engagement message' }],
  [131048, { status: 400, title: 'Spam rate limit hit' }],
  [131049, { status: 400, title: 'Meta chose not to deliver', marketingOnly: true, exempt: 'window' }],
  [131050, { status: 400, title: 'User has stopped marketing messages', marketingOnly: true }],
  [131051, { status: 400, title: 'Unsupported message type' }],
  [131052, { status: 400, title: 'Media download error' }],
  [131053, { status: 400, title: 'Media upload error' }],
  [131056, { status: 400, title: 'Pair rate limit hit' }],
  [131057, { status: 500, title: 'Account in maintenance mode', isTransient: true }],
  [131062, { status: 400, title: 'Business-scoped user IDs are not supported for this message' }],
  [131063, { status: 400, title: 'Use the Marketing Messages API', marketingOnly: true }],
  [131064, { status: 400, title: 'Messaging limit reached for misused template categories' }],
  [132000, { status: 400, title: 'Number of parameters does not match the expected number of params' }],
  [132001, { status: 404, title: 'Template name does not exist in the translation' }],
  [132005, { status: 400, title: 'Translated text too long' }],
  [132007, { status: 400, title: 'Template format character policy violated' }],
  [132012, { status: 400, title: 'Parameter format does not match format in the created template' }],
  [132015, { status: 400, title: 'Template is paused' }],
  [132016, { status: 400, title: 'Template is disabled' }],
  [132018, { status: 400, title: 'Template parameters are faulty' }],
  [132068, { status: 400, title: 'Flow is in blocked state' }],
  [132069, { status: 400, title: 'Flow is in throttled state' }],
  [133010, { status: 400, title: 'Account not registered' }],
  [135000, { status: 400, title: 'Generic user error' }],
]);
