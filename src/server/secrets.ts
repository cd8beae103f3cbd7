// Which configuration values are secret, and how they look when they must be shown.

const SECRET_KEY =
  /pass(word|wd|phrase)?$|secret|token|credential|api_?key|private_?key|access_?key|_dsn$|^dsn$|^auth(orization)?$/i;

/** What stands in place of a secret. */
export const REDACTED = '[redacted]';

/** True when a key's name says that its value is secret. */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key);
}

/** The value as it may be shown: `[redacted]` below a secret key, and no password inside a URL. */
export function redact(key: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) return value.map((item) => redact(key, item));
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redact(name, item)]));
  }
  if (isSecretKey(key) && value !== '' && value !== null && typeof value !== 'boolean') return REDACTED;
  return typeof value === 'string' ? redactText(value) : value;
}

/** A text without the passwords of the URLs in it. */
export function redactText(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@]+@/gi, `$1:${REDACTED}@`);
}
