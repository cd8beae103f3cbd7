// The long parts of the help texts.

/** Printed after the options of `rrts --help`. */
export const PROGRAM_HELP = `
Examples:
  rrts serve                                    serve what .rr.yaml in this directory says
  rrts serve -c app.yaml -o http.address=:9000  another file, and another address
  rrts workers -c app.yaml                      who runs there, and what
  rrts jobs -c app.yaml                         queues, and the jobs that run
  rrts cron -c app.yaml                         what is due when
  rrts reset -c app.yaml                        new workers, for new code
  rrts reload -c app.yaml                       the same, and read the file again
  rrts stop -c app.yaml                         finish what runs, then end
  rrts config check -c app.yaml                 find the mistakes in a file
  rrts lambda pack -c app.yaml                  the same application for AWS Lambda
  rrts stubs -c app.yaml                        PHP classes for the services of bridge.services
  rrts config print -o http.pool.num_workers=4  see every value, defaults included

A file to start with:
  version: "3"
  server:
    command: "php worker.php"
  http:
    address: 127.0.0.1:8080

Exit codes:
  0    done, or stopped by a signal in good order
  1    rrts stubs --check: a class is missing or stale
  64   the command line is wrong
  69   something is not to be had: port in use, PHP missing, no worker boots, no server runs
  70   a fault in rrts itself
  78   the configuration is missing or wrong, or lets PHP run as root
  130  stopped at once by a second signal: 128 + its number
`;

/** Printed after the options of `rrts serve --help`. */
export const SERVE_HELP = `
Signals:
  SIGINT, SIGTERM, SIGQUIT  finish the requests that run, then stop (at most endure.grace_period)
  the same a second time    kill the workers and stop at once
  SIGHUP, SIGUSR2           read the configuration again and replace all workers, without a pause

Started as root:
  PHP does not run as root: set server.user and server.group, start rrts as another user,
  or say --allow-root (RRTS_ALLOW_ROOT=1 in the environment)

Examples:
  rrts serve -c config/app.yaml
  rrts serve --dotenv .env.local -o logs.level=debug
  rrts serve --watch                        new workers when code, templates or YAML change
  rrts serve --watch 'src/**/*.php' config  the same for these files alone
  rrts serve -c /dev/null -o version=3 -o server.command="php worker.php" -o http.address=:8080
`;

/** Printed after the options of `rrts config --help`. */
export const CONFIG_HELP = `
Examples:
  rrts config check -c app.yaml          every mistake with its line and column; then exit code 78
  rrts config print -c app.yaml          as rrts understands it; values of secret keys are not shown
  rrts config schema > rrts.schema.json  JSON Schema, for completion in an editor
`;

const WHICH_SERVER = `
The server is the one that was started with the same configuration file (-c), by this user or,
for root, by anybody.
`;

/** Printed after the options of `rrts workers --help`. */
export const WORKERS_HELP = `${WHICH_SERVER}
Examples:
  rrts workers                 a table for each pool, its queue, and why workers ended
  rrts workers http -i         one pool, drawn again every second; q ends it
  rrts workers --json          for programs
  rrts workers add http -n 2   two more, until the server is restarted
  rrts workers remove http     one less
`;

/** Printed after the options of `rrts cron --help`. */
export const CRON_HELP = `${WHICH_SERVER}
Examples:
  rrts cron              each entry with its next time, and what became of its last run
  rrts cron --json       for programs
  rrts cron run nightly  now, by hand; exit code 69 when it fails
`;

/** Printed after the options of `rrts jobs --help`. */
export const JOBS_HELP = `${WHICH_SERVER}
Examples:
  rrts jobs                         each queue with its numbers, and the jobs that run
  rrts jobs emails -i               one of them, drawn again every second; q ends it
  rrts jobs --pause emails reports  run no more jobs of these; --resume goes on
  rrts jobs --retry failed          dead letters back to where they failed
  rrts jobs --push emails --name 'App\\SendMail' --payload '{"to": 7}' --delay 5s
`;

/** Printed after the options of `rrts reset --help`. */
export const RESET_HELP = `${WHICH_SERVER}
Old workers serve until new ones are ready. When a new one does not boot the old ones stay, and
the exit code is 69.

Examples:
  rrts reset                                      all pools
  rrts reset http.reports -c app.yaml             one pool; http is all pools of http
  rrts reset -o rpc.listen=tcp://127.0.0.1:6001   a server whose file is not at hand, over its RPC
`;

/** Printed after the options of `rrts reload --help`. */
export const RELOAD_HELP = `${WHICH_SERVER}
Keys that can change while it runs are put in force, all workers are replaced, and what needs a
restart is named. With a mistake in the file, or new workers that do not boot, everything stays as
it was; the exit code is 69.

Examples:
  rrts reload -c app.yaml
`;

/** Printed after the options of `rrts stop --help`. */
export const STOP_HELP = `${WHICH_SERVER}
  -f, --force   stop at once: requests that run are cut
  -p [file]     when the server has no control socket: the file with its process id (.pid)

Examples:
  rrts stop -c app.yaml      finish the requests that run (at most endure.grace_period), then end
  rrts stop -c app.yaml -f   now
`;

/** Printed after the options of `rrts stubs --help`. */
export const STUBS_HELP = `
Each service of bridge.services gets one final class with a typed method for each of its methods:
parameters for the properties of the input, array shapes for PHPStan, doc text from .describe().
The same services always give the same files: commit them, and let CI check them.

Examples:
  rrts stubs -c app.yaml                                   src/Node/*.php, namespace App\\Node
  rrts stubs --out lib/Service --namespace 'Acme\\Service'  elsewhere
  rrts stubs --check                                       exit code 1 when one is stale
`;

/** Printed after the options of `rrts lambda --help`. */
export const LAMBDA_HELP = `
Inside AWS Lambda, where AWS_LAMBDA_RUNTIME_API says who hands out events. HTTP events (API Gateway,
function URL, load balancer) run in the workers of http:, all others as jobs in those of jobs:.

Examples:
  rrts lambda -c app.yaml              what the file bootstrap in the package does
  rrts lambda pack -c app.yaml out.zip  write such a package
`;

/** Printed after the options of `rrts lambda pack --help`. */
export const PACK_HELP = `
The zip has bootstrap, rrts with the packages it needs, and the application with its vendor folder.
PHP comes from a layer, and Node from a layer or from the runtime nodejs22.x, unless --node puts one
in. The same files always give the same zip. Where esbuild is installed rrts becomes one file, which
starts in half of the time.

Examples:
  rrts lambda pack -c app.yaml                        function.zip of this folder
  rrts lambda pack -c app.yaml out.zip --exclude 'assets/**'
  rrts lambda pack -c app.yaml --node /usr/bin/node   with its own Node, for provided.al2023
`;
