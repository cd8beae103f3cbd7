// The program that Lambda starts.

/** Where a Node that is put into the package goes. */
export const NODE_FILE = 'rrts/bin/node';

/**
 * A shell script, because a custom runtime has neither Node nor PHP of its own: both are looked for in the package, in layers and in the managed runtimes of Node.
 * @param program - the file that Node runs, and `config` the configuration, both below the folder of the function.
 */
export function bootstrapScript(program: string, config: string): string {
  return `#!/bin/sh
# Written by rrts lambda pack.
cd "\${LAMBDA_TASK_ROOT:-$(dirname "$0")}" || exit 1
PATH="$PWD/rrts/bin:/opt/bin:/var/lang/bin:$PATH"
export PATH
if ! command -v node >/dev/null 2>&1; then
  echo 'rrts: there is no node: take the runtime nodejs22.x with AWS_LAMBDA_EXEC_WRAPPER=/var/task/bootstrap, a layer with bin/node, or rrts lambda pack --node PATH' >&2
  exit 69
fi
exec node ${program} lambda -c ${quoted(config)}
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
