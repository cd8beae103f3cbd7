// The program that Lambda starts.

/** Where a Node that is put into the package goes. */
export const NODE_FILE = 'rrts/bin/node';

/** What the script starts. */
export interface Start {
  /** The file that Node runs, below the folder of the function. */
  readonly program: string;
  /** Folder of the application there; empty: the same. */
  readonly folder: string;
  /** The configuration, below the folder of the application. */
  readonly config: string;
}

/** A shell script, because a custom runtime has neither Node nor PHP of its own: both are looked for in the package, in layers and in the managed runtimes of Node. */
export function bootstrapScript({ program, folder, config }: Start): string {
  const place = folder === '' ? '' : ` -w ${quoted(folder)}`;
  return `#!/bin/sh
# Written by rrts lambda pack.
cd "\${LAMBDA_TASK_ROOT:-$(dirname "$0")}" || exit 1
PATH="$PWD/rrts/bin:/opt/bin:/var/lang/bin:$PATH"
export PATH
if ! command -v node >/dev/null 2>&1; then
  echo 'rrts: there is no node: take the runtime nodejs22.x with AWS_LAMBDA_EXEC_WRAPPER=/var/task/bootstrap, a layer with bin/node, or rrts lambda pack --node PATH' >&2
  exit 69
fi
exec node ${program} lambda${place} -c ${quoted(config)}
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
