/** Where Zoho keeps accounts, and the hosts of each place. docs/vendors/zoho.md §1.1. */

export interface DataCentre {
  /** As Zoho names it, `location`. */
  readonly name: string;
  readonly accounts: string;
  readonly api: string;
  /** Where people open the CRM. */
  readonly pages: string;
}

const alike = (name: string, domain: string): DataCentre => ({
  name,
  accounts: `https://accounts.zoho.${domain}`,
  api: `https://www.zohoapis.${domain}`,
  pages: `https://crm.zoho.${domain}`,
});

export const dataCentres: readonly DataCentre[] = [
  alike('us', 'com'),
  alike('eu', 'eu'),
  alike('in', 'in'),
  alike('au', 'com.au'),
  alike('cn', 'com.cn'),
  alike('jp', 'jp'),
  {
    name: 'ca',
    accounts: 'https://accounts.zohocloud.ca',
    api: 'https://www.zohoapis.ca',
    pages: 'https://crm.zohocloud.ca',
  },
  alike('sa', 'sa'),
  // The API's host from memory.
  alike('uk', 'uk'),
  alike('ae', 'ae'),
];

/** Where admins begin; they are led on to where their account is. */
export const firstCentre: DataCentre = alike('us', 'com');

export function centreNamed(name: string): DataCentre | undefined {
  return dataCentres.find((one) => one.name === name);
}

/** Undefined: this is no accounts server of Zoho's. */
export function centreOfAccounts(url: string): DataCentre | undefined {
  return dataCentres.find(({ accounts }) => isOrigin(url, accounts));
}

/** Undefined: this is no API host of Zoho's. Orgs for trying things out have hosts of their own. docs/vendors/zoho.md §1.1. */
export function centreOfApi(url: string): DataCentre | undefined {
  return dataCentres.find(({ api }) =>
    ['www', 'sandbox', 'developer'].some((kind) => isOrigin(url, api.replace('//www.', `//${kind}.`))),
  );
}

/** The address and nothing behind it: whatever else a URL can carry has no business here. */
function isOrigin(url: string, origin: string): boolean {
  return URL.canParse(url) && new URL(url).href === `${origin}/`;
}
