// Names in PHP for names in YAML and JavaScript.

/** What PHP does not take as the name of a class, in lower case. */
const RESERVED = new Set(
  `abstract and array as bool break callable case catch class clone const continue declare default die do echo else
  elseif empty enddeclare endfor endforeach endif endswitch endwhile enum eval exit extends false final finally float fn
  for foreach function global goto if implements include include_once instanceof insteadof int interface isset iterable
  list match mixed namespace never new null object or parent print private protected public readonly require
  require_once resource return self static string switch throw trait true try unset use var void while xor yield`.split(
    /\s+/,
  ),
);

/** `image-tools` as `ImageTools`. A name that PHP keeps for itself, or that the class uses, gets `Service` behind it. */
export function classNameOf(service: string): string {
  const words = service.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  const started = /^[0-9]/.test(name) ? `Service${name}` : name;
  return RESERVED.has(started.toLowerCase()) || /^Rpc(Interface|Exception)?$/i.test(started)
    ? `${started}Service`
    : started;
}

/** `content-type` as `contentType`: the name of a parameter for that of a property. */
export function parameterNameOf(property: string): string {
  const name = property
    .replace(/[^A-Za-z0-9_]+(.)?/g, (_, next: string | undefined) => next?.toUpperCase() ?? '')
    .replace(/^(?=[0-9])/, '_');
  return name === '' || name === 'this' ? `${name}_` : name;
}

/** A name that is not taken: `result`, or `result_`. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  return taken.has(wanted) ? freeName(`${wanted}_`, taken) : wanted;
}

/** Text in single quotes. */
export function phpString(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
