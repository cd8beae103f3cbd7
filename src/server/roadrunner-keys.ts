// RoadRunner's configuration keys (2024 to 2025.1, and what is known of version 3), so that a key rrts does not have yet
// is told from a typing error.

import { DRIVERS as DRIVERS_OF_JOBS } from '../plugins/jobs/drivers.ts';

const POOL = `
  debug command num_workers max_jobs max_queue_size allocate_timeout reset_timeout destroy_timeout stream_timeout
  supervisor.watch_tick supervisor.ttl supervisor.idle_ttl supervisor.exec_ttl supervisor.max_worker_memory
  dynamic_allocator.max_workers dynamic_allocator.spawn_rate dynamic_allocator.idle_timeout`;

const LOG_CHANNEL = `
  mode level encoding line_ending output err_output format time_format
  file_logger_options.log_output file_logger_options.max_size file_logger_options.max_age
  file_logger_options.max_backups file_logger_options.compress`;

const DRIVERS = 'amqp beanstalk boltdb kafka memcached memory nats nsq redis sqs google_pub_sub';

/** Section by section; `*` stands for a name the user chooses. Words are paths below the section. */
const SECTIONS: Readonly<Record<string, string>> = {
  version: '',
  include: '',
  envfile: '',
  server: `command user group relay relay_timeout after_init.command env.*
    on_init.command on_init.exec_timeout on_init.exit_on_error on_init.env.* on_init.user`,
  http: `address internal_error_code max_request_size raw_body access_logs middleware trusted_subnets trusted_headers
    uploads.dir uploads.forbid uploads.allow
    headers.cors.allowed_origin headers.cors.allowed_origin_regex headers.cors.allowed_headers
    headers.cors.allowed_methods headers.cors.allow_credentials headers.cors.exposed_headers headers.cors.max_age
    headers.cors.options_success_status headers.cors.debug headers.request.* headers.response.*
    static.dir static.forbid static.allow static.calculate_etag static.weak static.request.* static.response.*
    static.prefixes static.cache
    ssl.address ssl.redirect ssl.key ssl.cert ssl.root_ca ssl.client_auth_type ssl.acme.cache_dir ssl.acme.email
    ssl.acme.alt_http_port ssl.acme.alt_tlsalpn_port ssl.acme.challenge_type ssl.acme.use_production_endpoint
    ssl.acme.domains
    http2.h2c http2.max_concurrent_streams http3.address http3.key http3.cert fcgi.address
    rate_limiter.key rate_limiter.rate rate_limiter.interval rate_limiter.burst rate_limiter.max_entries
    rate_limiter.header sendfile cache new_relic ${prefixed('pool', POOL)}`,
  rpc: 'listen',
  logs: `${LOG_CHANNEL} ${prefixed('channels.*', LOG_CHANNEL)}`,
  metrics: `address collect.*.type collect.*.help collect.*.namespace collect.*.subsystem collect.*.labels
    collect.*.buckets collect.*.objectives`,
  status: 'address unavailable_status_code check_timeout shutdown_timeout',
  endure: 'grace_period print_graph log_level watchdog_sec',
  jobs: `num_pollers pipeline_size timeout options.parallelism consume pipelines.*.driver
    ${[...new Set(DRIVERS_OF_JOBS.flatMap(({ ignored }) => ignored))].map((key) => `pipelines.*.config.${key}`).join(' ')}
    ${prefixed('pool', POOL)} ${prefixed('pools.*', POOL)}`,
  kv: prefixed(
    '*.config',
    `master_name sentinel_password route_by_latency route_randomly max_retries min_retry_backoff max_retry_backoff pool_size
    min_idle_conns max_conn_age write_timeout pool_timeout idle_timeout idle_check_freq read_only dir bucket
    tls.cert tls.key tls.root_ca tls.client_auth_type`,
  ),
  lock: `config ${prefixed(
    'redis',
    `master_name sentinel_password route_by_latency route_randomly max_retries min_retry_backoff max_retry_backoff pool_size
    min_idle_conns max_conn_age write_timeout pool_timeout idle_timeout idle_check_freq read_only
    tls.cert tls.key tls.root_ca tls.client_auth_type`,
  )}`,
  tcp: `servers.*.addr servers.*.delimiter read_buf_size ${prefixed('pool', POOL)}`,
  service: `*.command *.process_num *.exec_timeout *.remain_after_exit *.restart_sec *.timeout_stop_sec
    *.service_name_in_log *.env.* *.user`,
  fileserver: 'address calculate_etag weak stream_request_body serve',
  centrifuge: `proxy_address grpc_api_address use_compressor version name tls.key tls.cert ${prefixed('pool', POOL)}`,
  grpc: `listen proto interceptors tls max_send_msg_size max_recv_msg_size max_connection_idle max_connection_age
    max_connection_age_grace max_concurrent_streams ping_time timeout ${prefixed('pool', POOL)}`,
  temporal: 'address cache_size namespace metrics tls activities disable_activity_workers',
  otel: `resource.service_name resource.service_version resource.service_namespace resource.service_instance_id
    insecure compress client exporter custom_url endpoint headers.*`,
  reload: 'interval patterns services.*.dirs services.*.recursive services.*.ignore services.*.patterns',
  app: '',
  broadcast: '',
  websockets: '',
  google_pub_sub: '',
  ...Object.fromEntries(DRIVERS.split(' ').map((name) => [name, ''])),
};

const KNOWN: readonly (readonly string[])[] = Object.entries(SECTIONS).flatMap(([section, keys]) => [
  [section],
  ...words(keys).map((key) => [section, ...key.split('.')]),
]);

/** True for a key of RoadRunner's, and for a mapping that holds some. */
export function isRoadRunnerKey(path: readonly string[]): boolean {
  return KNOWN.some((known) => {
    return known.length >= path.length && path.every((key, index) => known[index] === '*' || known[index] === key);
  });
}

function prefixed(prefix: string, keys: string): string {
  return words(keys)
    .map((key) => `${prefix}.${key}`)
    .join(' ');
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
