// A module behind the bridge whose calls take as long as a test wants.

/** Settles after so many milliseconds. */
export const sleep = (ms) => new Promise((resolve) => setTimeout(() => resolve(ms), ms));

/** Never settles, and leaves nothing behind that could. */
export const never = () => new Promise(() => undefined);

export const echo = (value) => value;

/** Asks a URL, for instance one of the server that the module runs in: status and body. */
export async function askUrl(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(20_000) });
  return `${response.status} ${await response.text()}`;
}

/** An object that PHP can only hold. */
export class Thing {
  name = 'thing';
}

export const makeThing = () => new Thing();
