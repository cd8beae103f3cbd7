// What Redis does in one step each with a queue. The time is that of Redis: several servers use it, and their clocks differ.

import { RedisScript } from '../../redis-client/redis-client.ts';

// A job is known by its member: its place in line as 16 digits, a colon, its priority. The set of ready ones is ordered by priority, and
// where that is equal by member: by place. A job that is handed over is known by its member, a bar, and whom it was handed to in which take:
// who lost it cannot settle it, and two who hold it one after the other are not mistaken for each other.
//
// Each script removes before it adds: a Redis whose memory is full refuses what a script adds first, and lets one finish that has begun.

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

const PLACES = `
local function memberOf(place, priority) return string.format('%016d:', place) .. priority end
local function priorityOf(member) return string.sub(member, 18) end
local function held(holding) return string.sub(holding, 1, string.find(holding, '|', 1, true) - 1) end
`;

/** \`wake\` tells all masters when they may not know that there is work; those that found nothing sleep until then. */
const WAKE = `
local function firstDue()
  local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  return tonumber(first[2]) or math.huge
end
local readyBefore, dueBefore = redis.call('ZCARD', ready), firstDue()
local function wake(channel)
  if (readyBefore == 0 and redis.call('ZCARD', ready) > 0) or firstDue() < dueBefore then
    redis.pcall('PUBLISH', channel, '')
  end
end
`;

/** Jobs of one holder, of its take ARGV[first] and later ones, go back to their places. */
const GIVE_BACK = `
local function giveBack(holder, first)
  local count = 0
  for _, holding in ipairs(redis.call('ZRANGE', reserved, 0, -1)) do
    local take = string.match(holding, '|' .. holder .. '%.(%d+)$')
    if take and tonumber(take) >= first then
      local member = held(holding)
      redis.call('ZREM', reserved, holding)
      redis.call('ZADD', ready, priorityOf(member), member)
      count = count + 1
    end
  end
  return count
end
`;

/**
 * KEYS: ready, delayed, jobs, unique, places. ARGV: most jobs, channel, and of each job priority, delay, unique key or '', record.
 * Gives 1 (stored) or 0 (duplicate) for each; a sole -1: the queue is full.
 */
export const PUSH = new RedisScript(`${NOW}${PLACES}
local ready, delayed, jobs, unique, places = unpack(KEYS)
${WAKE}
local results, fresh, seen = {}, 0, {}
for i = 3, #ARGV, 4 do
  local key, twin = ARGV[i + 2], false
  if key ~= '' then
    twin = seen[key]
    if not twin then
      local member = redis.call('HGET', unique, key)
      twin = member and redis.call('HEXISTS', jobs, member) == 1
    end
    seen[key] = true
  end
  if not twin then fresh = fresh + 1 end
  results[#results + 1] = twin and 0 or 1
end
if fresh == 0 then return results end
if redis.call('HLEN', jobs) + fresh > tonumber(ARGV[1]) then return {-1} end
local place = redis.call('INCRBY', places, fresh) - fresh
for index, result in ipairs(results) do
  if result == 1 then
    local i = 4 * index - 1
    local priority, delay, key = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
    place = place + 1
    local member = memberOf(place, priority)
    redis.call('HSET', jobs, member, ARGV[i + 3])
    if key ~= '' then redis.call('HSET', unique, key, member) end
    if delay > 0 then redis.call('ZADD', delayed, now + delay, member)
    else redis.call('ZADD', ready, priority, member) end
  end
end
wake(ARGV[2])
return results
`);

/**
 * KEYS: ready, delayed, reserved, jobs. ARGV: most jobs, lease in milliseconds, holder, number of this take, channel, number of the first
 * take whose answer was lost or ''. First come those back whose time has come, whose lease has ended, or whose take was lost; at most
 * 1000 of a kind.
 * Gives: ready ones that are left, milliseconds until the next delayed one or -1, leases that had ended, jobs whose record is gone; then
 * member and record of each job.
 */
export const TAKE = new RedisScript(`${NOW}${PLACES}
local ready, delayed, reserved, jobs = unpack(KEYS)
${WAKE}${GIVE_BACK}
if ARGV[6] ~= '' then giveBack(ARGV[3], tonumber(ARGV[6])) end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', delayed, member)
  redis.call('ZADD', ready, priorityOf(member), member)
end
local ended = redis.call('ZRANGEBYSCORE', reserved, '-inf', now, 'LIMIT', 0, 1000)
for _, holding in ipairs(ended) do
  local member = held(holding)
  redis.call('ZREM', reserved, holding)
  redis.call('ZADD', ready, priorityOf(member), member)
end
local popped = redis.call('ZPOPMIN', ready, ARGV[1])
local members, holdings, reply, missing = {}, {}, {0, -1, #ended, 0}, 0
for i = 1, #popped, 2 do members[#members + 1] = popped[i] end
if #members > 0 then
  local records = redis.call('HMGET', jobs, unpack(members))
  local mark, lease = '|' .. ARGV[3] .. '.' .. ARGV[4], now + tonumber(ARGV[2])
  for i, member in ipairs(members) do
    if records[i] then
      holdings[#holdings + 1] = lease
      holdings[#holdings + 1] = member .. mark
      reply[#reply + 1] = member
      reply[#reply + 1] = records[i]
    else
      missing = missing + 1
    end
  end
  if #holdings > 0 then redis.call('ZADD', reserved, unpack(holdings)) end
end
wake(ARGV[5])
reply[1] = redis.call('ZCARD', ready)
local due = firstDue()
if due < math.huge then reply[2] = math.max(0, due - now) end
reply[4] = missing
return reply
`);

/**
 * KEYS: ready, delayed, reserved, jobs, unique, places, unreadable. ARGV: channel, count of acknowledgements, holding and unique key or '' of
 * each; then of each that goes back holding, unique key or '', priority, delay, record. An empty record: it keeps its place and
 * its record. Delay -1: it cannot be read, and is put aside.
 * Gives how many were not held any more.
 */
export const SETTLE = new RedisScript(`${NOW}${PLACES}
local ready, delayed, reserved, jobs, unique, places, unreadable = unpack(KEYS)
${WAKE}
local lost, i, gone = 0, 3, {}
for _ = 1, tonumber(ARGV[2]) do
  if redis.call('ZREM', reserved, ARGV[i]) == 1 then
    gone[#gone + 1] = held(ARGV[i])
    if ARGV[i + 1] ~= '' then redis.call('HDEL', unique, ARGV[i + 1]) end
  else
    lost = lost + 1
  end
  i = i + 2
end
if #gone > 0 then redis.call('HDEL', jobs, unpack(gone)) end
while i < #ARGV do
  local member, key, priority, delay, record = held(ARGV[i]), ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]), ARGV[i + 4]
  if redis.call('ZREM', reserved, ARGV[i]) == 0 then
    lost = lost + 1
  elseif delay == -1 then
    redis.call('HDEL', jobs, member)
    redis.call('HSET', unreadable, member, record)
  elseif record == '' then
    redis.call('ZADD', ready, priorityOf(member), member)
  else
    redis.call('HDEL', jobs, member)
    member = memberOf(redis.call('INCR', places), priority)
    redis.call('HSET', jobs, member, record)
    if key ~= '' then redis.call('HSET', unique, key, member) end
    if delay > 0 then redis.call('ZADD', delayed, now + delay, member)
    else redis.call('ZADD', ready, priority, member) end
  end
  i = i + 5
end
wake(ARGV[1])
return lost
`);

/** KEYS: reserved. ARGV: lease in milliseconds, holdings. Gives the positions, from 1, of those that are not held any more. */
export const EXTEND = new RedisScript(`${NOW}
local lease, lost = now + tonumber(ARGV[1]), {}
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then redis.call('ZADD', KEYS[1], lease, ARGV[i])
  else lost[#lost + 1] = i - 1 end
end
return lost
`);

/** KEYS: ready, delayed, reserved. ARGV: holder, channel. All that it holds goes back. Gives how many. */
export const RETURN_ALL = new RedisScript(`${PLACES}
local ready, delayed, reserved = unpack(KEYS)
${WAKE}${GIVE_BACK}
local count = giveBack(ARGV[1], 0)
wake(ARGV[2])
return count
`);

/** KEYS: ready, delayed. Gives how many could be handed over, and how many wait for their time. */
export const COUNT = new RedisScript(`${NOW}
local due = redis.call('ZCOUNT', KEYS[2], '-inf', now)
return {redis.call('ZCARD', KEYS[1]) + due, redis.call('ZCARD', KEYS[2]) - due}
`);
