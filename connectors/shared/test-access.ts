import type { Credentials, Permits } from '@sangam/core/crm';

/** Every call may be made. */
export const openDoor: Permits = {
  take: async () => ({ release: async () => undefined }),
  learn: async () => undefined,
};

/** Credentials of one token: once refused there is no other. */
export const onlyToken = (token: string): Credentials => ({
  accessToken: async () => token,
  expired: async () => undefined,
});
