// What Redis does in one step each. KEYS: the writer (a string that ends by itself), the readers (a set ordered by their ends).
// The time is that of Redis: several servers use it, and their clocks differ.

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
`;

const ADD_READER = `
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[2], last[2])
return 1
`;

/** ARGV: id, ttl in milliseconds. 1: held. The sole reader becomes the writer. */
export const LOCK = `${NOW}
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local readers = redis.call('ZCARD', KEYS[2])
if readers > 1 or (readers == 1 and not redis.call('ZSCORE', KEYS[2], ARGV[1])) then return 0 end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

/** ARGV: id, ttl in milliseconds. 1: held. */
export const LOCK_READ = `${NOW}
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
${ADD_READER}`;

/** ARGV: id. 1: released. */
export const RELEASE = `${NOW}
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return redis.call('ZREM', KEYS[2], ARGV[1])
`;

/** 1 or more: released. */
export const FORCE_RELEASE = `${NOW}
return redis.call('DEL', KEYS[1]) + redis.call('DEL', KEYS[2])
`;

/** ARGV: id, or `*`. */
export const EXISTS = `${NOW}
local writer = redis.call('GET', KEYS[1])
if ARGV[1] == '*' then
  if writer or redis.call('ZCARD', KEYS[2]) > 0 then return 1 end
  return 0
end
if writer == ARGV[1] or redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 1 end
return 0
`;

/** ARGV: id, ttl in milliseconds. */
export const UPDATE_TTL = `${NOW}
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
${ADD_READER}`;
