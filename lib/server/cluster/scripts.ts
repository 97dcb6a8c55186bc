/**
 * The rules of the directory, in Lua: Redis runs each script as one step.
 *
 * An agent's key holds `url` and `instance` of its node, the `epoch` of its claim, the hashes
 * `secret` and `shown`, `lease` (until when its node counts as alive), `hold` (until when no other
 * agent may have the ID), and a `ghost`: a node that held it before and may not have heard yet that
 * the agent has moved. A record without `url` is kept for its owner alone. All times are
 * milliseconds of Redis's clock. The expiry of keys only tidies up; no rule depends on it.
 *
 * No script looks at more keys than it is given.
 *
 * @module
 */

/** The clock of Redis's machine. */
const CLOCK = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`;

/** KEYS: the state, the nodes, who has to write down what it holds, who has. */
const COMMON = `
local STATE, NODES, EXPECTED, CHECKED = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local LEASE, HOLD, SETTLE, RUN = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local URL, INSTANCE = ARGV[5], ARGV[6]

local function read(key)
  local f = redis.call('HMGET', key, 'url', 'instance', 'epoch', 'secret', 'shown', 'lease', 'hold',
    'ghostUrl', 'ghost', 'ghostHold', 'contested', 'ghostEpoch')
  if not f[3] then return nil end
  local r = { url = f[1], instance = f[2], epoch = tonumber(f[3]), secret = f[4], shown = f[5],
    lease = tonumber(f[6]), hold = tonumber(f[7]), ghostUrl = f[8], ghost = f[9],
    ghostHold = tonumber(f[10]), contested = f[11], ghostEpoch = tonumber(f[12]) }
  if r.hold <= now then return nil end
  return r
end

local function write(key, r)
  redis.call('HSET', key, 'url', r.url, 'instance', r.instance, 'epoch', r.epoch,
    'secret', r.secret, 'shown', r.shown, 'lease', r.lease, 'hold', r.hold,
    'ghostUrl', r.ghostUrl, 'ghost', r.ghost, 'ghostHold', r.ghostHold, 'contested', r.contested,
    'ghostEpoch', r.ghostEpoch)
  redis.call('PEXPIRE', key, r.hold - now + LEASE)
end

local function fresh(epoch, secret, shown)
  return { url = URL, instance = INSTANCE, epoch = epoch, secret = secret, shown = shown,
    lease = now + LEASE, hold = now + HOLD, contested = '0',
    ghostUrl = '', ghost = '', ghostHold = 0, ghostEpoch = 0 }
end

-- Whether something may be missing: Redis was started again, or its clock has jumped.
local function broken(s)
  return s[1] ~= RUN or now - tonumber(s[3]) > LEASE
end

local function startOfState()
  local s = redis.call('HMGET', STATE, 'run', 'since', 'beat')
  if not s[1] or broken(s) then return math.huge end
  return tonumber(s[2])
end

local function unsettled()
  local s = redis.call('HMGET', STATE, 'run', 'since', 'beat')
  if not s[1] or broken(s) then return true end
  local age = now - tonumber(s[2])
  if age < SETTLE then return true end
  return age < HOLD and #redis.call('SDIFF', EXPECTED, CHECKED) > 0
end

-- Whether that process has ended: it has left, or another one has its address.
local function gone(url, instance)
  local known = redis.call('HGET', NODES, url)
  if known and string.match(known, '^%S+') == instance then return false end
  return not unsettled()
end

local function haunted(r)
  if r.ghostHold <= now then return false end
  return r.ghost == '*' or not gone(r.ghostUrl, r.ghost)
end

-- The former holder may go on answering until its time is over, unless it is known to have ended.
local function leaveGhost(r, to)
  if haunted(r) and r.ghost ~= INSTANCE then
    to.ghostUrl, to.ghost = r.ghostUrl, r.ghost
    to.ghostHold, to.ghostEpoch = r.ghostHold, r.ghostEpoch
  end
  if r.url == '' or r.instance == INSTANCE or gone(r.url, r.instance) then return end
  if to.ghostHold > now and to.ghost ~= r.instance then
    to.ghost, to.ghostHold = '*', math.max(to.ghostHold, r.hold)
  else
    to.ghostUrl, to.ghost, to.ghostHold, to.ghostEpoch = r.url, r.instance, r.hold, r.epoch
  end
end
`;

/** KEYS[5]: the agent. ARGV: secret, shown, whether it is reserved, whether the node holds it. */
const CLAIM = `
local key, secret, shown, reserved = KEYS[5], ARGV[7], ARGV[8], ARGV[9] == '1'
local holding = ARGV[10] == '1'
local r = read(key)
local owner = r and shown ~= '' and (shown == r.secret or shown == r.shown)
local former = ''
-- A record that its node has not confirmed since may be older than what was lost.
if owner and r.lease - LEASE < startOfState() and unsettled() then return { 'unsettled' } end
if not owner then
  if r then
    local mine = r.url == URL and r.instance == INSTANCE and not holding
    local ended = r.url ~= '' and r.lease <= now and gone(r.url, r.instance)
    local buried = r.url == '' and r.secret == ''
    if haunted(r) or not (mine or ended or buried) then
      redis.call('HSET', key, 'contested', now)
      return { 'taken' }
    end
  end
  if not reserved and unsettled() then return { 'unsettled' } end
end
local epoch = now
if r and r.epoch >= now then epoch = r.epoch + 1 end
local claimed = fresh(epoch, secret, shown)
if owner then
  leaveGhost(r, claimed)
  claimed.contested = r.contested
  if r.url ~= URL or r.instance ~= INSTANCE then former = r.url end
end
write(key, claimed)
return { 'granted', string.format('%.0f', epoch), owner and '1' or '0', former }
`;

/** KEYS from 5 on: agents. ARGV from 7 on, for each: epoch, secret, shown. */
const RENEW = `
local answers = {}
for i = 5, #KEYS do
  local at = 7 + (i - 5) * 3
  local epoch, secret, shown = tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 2]
  local answer = '-'
  -- Nearly always all is as it was, for hundreds of thousands of agents: only what changes is touched.
  local f = redis.call('HMGET', KEYS[i], 'epoch', 'instance', 'url', 'hold', 'contested')
  if tonumber(f[1]) == epoch and f[2] == INSTANCE and f[3] == URL and tonumber(f[4]) > now then
    redis.call('HSET', KEYS[i], 'secret', secret, 'shown', shown,
      'lease', now + LEASE, 'hold', now + HOLD)
    redis.call('PEXPIRE', KEYS[i], HOLD + LEASE)
    answer = f[5]
  else
    local r = read(KEYS[i])
    if not r then
      write(KEYS[i], fresh(epoch, secret, shown))
      answer = '0'
    elseif r.epoch < epoch then
      -- The directory has lost this claim, and the former holder was faster to say that it is there.
      local again = fresh(epoch, secret, shown)
      leaveGhost(r, again)
      write(KEYS[i], again)
      answer = '0'
    end
  end
  answers[#answers + 1] = answer
end
return answers
`;

/** KEYS[5]: the agent. ARGV: epoch, for how long it is kept. */
const RELEASE = `
local key, epoch, keep = KEYS[5], tonumber(ARGV[7]), tonumber(ARGV[8])
local r = read(key)
if not r or r.url ~= URL or r.instance ~= INSTANCE or r.epoch ~= epoch then return 0 end
local untilTime = now + keep
if keep == 0 then r.secret, r.shown = '', '' end
if haunted(r) then untilTime = math.max(untilTime, r.ghostHold) end
if untilTime <= now then return redis.call('DEL', key) end
r.url, r.instance, r.lease, r.hold = '', '', 0, untilTime
write(key, r)
return 1
`;

/** KEYS[5]: the agent. ARGV: the epoch of the claim that the node has dropped. */
const FORGET = `
local r = read(KEYS[5])
if not r or r.ghost ~= INSTANCE or r.ghostEpoch > tonumber(ARGV[7]) then return 0 end
-- A record that was kept for this ghost alone is free.
if r.url == '' and r.secret == '' then return redis.call('DEL', KEYS[5]) end
r.ghostUrl, r.ghost, r.ghostHold, r.ghostEpoch = '', '', 0, 0
write(KEYS[5], r)
return 1
`;

/** KEYS from 5 on: agents. */
const FIND = `
local missing = unsettled() and '?' or ''
local found = {}
for i = 5, #KEYS do
  local r = read(KEYS[i])
  if r and r.secret ~= '' then
    found[#found + 1] = (r.lease > now and '+' or '-') .. r.url
  else
    found[#found + 1] = missing
  end
end
return found
`;

/** ARGV: for which state all is written down, whether it has been here, the nodes it knows of. */
const BEAT = `
local s = redis.call('HMGET', STATE, 'run', 'since', 'beat')
if not s[1] or broken(s) then
  -- Who was still missing stays so.
  redis.call('SDIFFSTORE', EXPECTED, EXPECTED, CHECKED)
  redis.call('DEL', CHECKED)
  redis.call('HSET', STATE, 'run', RUN, 'since', now)
  s[2] = now
  local nodes = redis.call('HGETALL', NODES)
  for i = 1, #nodes, 2 do
    local age = now - tonumber(string.match(nodes[i + 1], '%S+$'))
    if age <= HOLD and string.sub(nodes[i + 1], 1, 1) ~= '-' then
      redis.call('SADD', EXPECTED, nodes[i])
    end
  end
  -- Which processes there are is only known of those that say so.
  if s[1] ~= RUN then redis.call('DEL', NODES) end
elseif tonumber(s[2]) > now then
  redis.call('HSET', STATE, 'since', now)
  s[2] = now
end
redis.call('HSET', STATE, 'beat', now)
local mine = redis.call('HGET', NODES, URL)
local replaced = ARGV[8] == '1' and mine and string.match(mine, '^%S+') ~= INSTANCE
if not replaced then redis.call('HSET', NODES, URL, INSTANCE .. ' ' .. now) end
if tonumber(ARGV[7]) == tonumber(s[2]) then
  redis.call('SADD', CHECKED, URL)
else
  for i = 9, #ARGV do redis.call('SADD', EXPECTED, ARGV[i]) end
end
local answer = { string.format('%.0f', now), string.format('%.0f', s[2]), replaced and '1' or '0' }
local all = redis.call('HGETALL', NODES)
for i = 1, #all, 2 do
  local age = now - tonumber(string.match(all[i + 1], '%S+$'))
  if age > 2 * HOLD then
    redis.call('HDEL', NODES, all[i])
  elseif age <= HOLD then
    answer[#answer + 1] = (string.sub(all[i + 1], 1, 1) == '-' and '-' or '') .. all[i]
  end
end
return answer
`;

const LEAVE = `
local mine = redis.call('HGET', NODES, URL)
if mine and string.match(mine, '^%S+') == INSTANCE then
  redis.call('HSET', NODES, URL, '- ' .. now)
  redis.call('SREM', EXPECTED, URL)
end
return 1
`;

const BODIES = {
  claim: CLAIM,
  renew: RENEW,
  release: RELEASE,
  forget: FORGET,
  find: FIND,
  beat: BEAT,
  leave: LEAVE,
};

export type ScriptName = keyof typeof BODIES;

/** The scripts, whole. @param clock sets `now`; for tests */
export function directoryScripts(clock = CLOCK): Record<ScriptName, string> {
  const whole = Object.entries(BODIES).map(([name, body]) => [name, clock + COMMON + body]);
  return Object.fromEntries(whole);
}
