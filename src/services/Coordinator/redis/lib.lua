-- What all scripts share. They declare every key, and all keys of a scope are in one slot of a cluster.
-- meta:      generation, frozenuntil, terms and termsby, epoch, ready, passed; of the looks fence, began, poller, polluntil, looked, ended, seenat
-- hosts:     host -> `<life> <info>`
-- alive:     host -> time from which it counts as dead
-- said:      host -> what it last said that it does, for people
-- queue:     sorted set of equal scores, `<class> <rank> <job>`: the order of bytes is the order of jobs in each class
-- spec:      job -> `<class> <rank>\n<JSON>`, with the rank in the queue, which may differ from that of the request
-- state:     job -> `<attempt>;<host> <until> <soft>,<reason>;…`
-- seen:      queued job -> number of the last look that named it, or of the look during or before which it was announced
-- claims:    owned job -> `<epoch> <host>/<service>`
-- lease:     owned job -> end of its lease
-- own:       `<host>/<service>` -> owned job
-- done:      job -> time of its end
-- idle:      sorted set of equal scores, `<class or *> <since> <host>/<service>`
-- idlers:    `<host>/<service>` -> `<since> <class>…`
-- reserved:  host -> `<until> <job>`
-- reservers: job -> host
local META, HOSTS, ALIVE, QUEUE, SPEC, STATE, SEEN, CLAIMS, LEASE, OWN, DONE, IDLE, IDLERS, RESERVED, RESERVERS, SAID = unpack(KEYS)
local call = redis.call
local now = clock()
local GENERATION, HOST, LIFE = ARGV[1], ARGV[2], ARGV[3]

local function int(x) return string.format('%.0f', x) end
-- 0 for what no host writes: beyond 2^53, numbers are not exact
local function meta(field)
  local n = tonumber(call('HGET', META, field) or '0')
  return n and n >= 0 and n <= 9007199254740991 and n or 0
end
local function count(field)
  local n = meta(field) + 1
  call('HSET', META, field, int(n))
  return n
end
-- bytewise: string comparison in Lua follows the locale, which differs between servers
local function before(a, b)
  -- priority and age, which decide in most cases
  local m, n = tonumber(a:sub(1, 16)) or 0, tonumber(b:sub(1, 16)) or 0
  if m ~= n then return m < n end
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- nil if this life of this host is known; else the reply that says what is wrong
local function refusal()
  local known = call('HGET', HOSTS, HOST)
  if not known or call('HGET', META, 'generation') ~= GENERATION then return {'Stranger'} end
  local life, info = known:match('^(%S+) (.*)$')
  if not life then return {'Stranger'} end
  if life ~= LIFE then return {'Taken', life, info} end
end
-- a time further ahead was written by another program, or before the clock was set back
local LATEST = int(now + RULES.lease)
local function alive(host)
  local till = tonumber(call('ZSCORE', ALIVE, host) or '0')
  return till > now and till - now <= RULES.lease
end
local function others() return call('ZCOUNT', ALIVE, '(' .. int(now), LATEST) - (alive(HOST) and 1 or 0) end
-- members of a set of times that are over at a time, or never
local function over(key, at, limit)
  local found = call('ZRANGEBYSCORE', key, '-inf', at, 'LIMIT', 0, limit)
  for _, it in ipairs(call('ZRANGEBYSCORE', key, '(' .. LATEST, '+inf', 'LIMIT', 0, limit)) do found[#found + 1] = it end
  return found
end

-- Other programs may write here, too: what has not the form of what hosts write is as good as absent.
-- `<class> <rank>`, see order.ts: 16 digits, or 32 in a late rank
local TIMES = ('%d'):rep(16)
local function isHead(text)
  local rank = text:match('^%S+ (%S+)$')
  return rank ~= nil and rank:find('^' .. TIMES) ~= nil and (rank:sub(1, 2) ~= '91' or rank:find('^' .. TIMES .. TIMES) ~= nil)
end
local function headOf(job)
  local head, json = (call('HGET', SPEC, job) or ''):match('^([^\n]*)\n(.*)$')
  if head and isHead(head) then return head, json end
end
-- head and job of a member of the queue, if it is one of the given class: among unequal scores, the order of bytes may lead elsewhere
local function read(member, class)
  local head, job = member:match('^(%S+ %S+) (.+)$')
  if head and isHead(head) and (not class or head:sub(1, #class + 1) == class .. ' ') then return head, job end
end
local function isName(text)
  return type(text) == 'string' and #text > 0 and #text <= 1024 and not text:find('^[-. ]') and not text:find('[%c/\\"\'`$<>?%%*|&;(){}%[%]]')
end
-- whether a host can have written what is kept of a job
local function isSound(job, head)
  local known, json = headOf(job)
  if not known or known ~= head or #json > RULES.request then return false end
  local decoded, spec = pcall(cjson.decode, json)
  if not decoded or type(spec) ~= 'table' or type(spec.template) ~= 'table' or type(spec.fields) ~= 'table' then return false end
  for _, value in pairs(spec.fields) do
    if type(value) ~= 'string' and type(value) ~= 'number' then return false end
  end
  local tag, priority = spec.template.tag, spec.priority
  return spec.key == job and type(spec.scope) == 'string' and type(spec.name) == 'string' and spec.detail ~= nil
    and type(spec.createdAt) == 'number' and spec.createdAt >= 0 and spec.createdAt <= 8.64e15
    and isName(spec.template.id) and (tag == nil or isName(tag))
    and (priority == nil or (type(priority) == 'number' and priority % 1 == 0 and priority >= 0 and priority <= 9))
end
-- whether a job is behind all fresh ones, and when it is due: see order.ts
local function isLate(rank) return rank:sub(1, 2) == '91' end
local function dueOf(rank) return isLate(rank) and tonumber(rank:sub(3, 16)) or 0 end
local function createdAt(rank) return tonumber(isLate(rank) and rank:sub(18, 32) or rank:sub(2, 16)) end
local function isStale(rank) return not isLate(rank) and now - createdAt(rank) > RULES.stale end
local function rankOf(head) return head:match('^%S+ (%S+)') end
-- the late head of a job
local function putLast(head)
  local class, rank = head:match('^(%S+) (%S+)')
  return class .. ' 91' .. string.format('%014.0f', now + RULES.due) .. (isLate(rank) and rank:sub(17) or rank)
end

local function load(job)
  local excluded = {}
  local value = call('HGET', STATE, job) or '0'
  for host, till, soft, reason in value:gmatch(';(%S+) (%d+) (%d),?([^;]*)') do
    excluded[#excluded + 1] = {host = host, till = tonumber(till), soft = soft == '1', reason = reason}
  end
  return tonumber(value:match('^%-?%d+') or '0'), excluded
end
local function save(job, attempt, excluded)
  local value = int(attempt)
  for _, it in ipairs(excluded) do
    value = value .. ';' .. it.host .. ' ' .. int(it.till) .. ' ' .. (it.soft and '1' or '0') .. ',' .. it.reason
  end
  call('HSET', STATE, job, value)
end

-- the job that a host has reserved
local function reservedBy(host)
  local till, job = (call('HGET', RESERVED, host) or ''):match('^(%d+) (.*)$')
  till = tonumber(till or '0')
  if till > now and till - now <= RULES.lease then return job end
end
local function reservation()
  local job = reservedBy(HOST)
  if job and call('ZSCORE', SEEN, job) and headOf(job) then return job end
end
local function reserver(job)
  local host = call('HGET', RESERVERS, job)
  if host and reservedBy(host) == job then return host end
end
local function unreserve(job)
  local host = call('HGET', RESERVERS, job)
  if not host then return end
  local _, reserved = (call('HGET', RESERVED, host) or ''):match('^(%d+) (.*)$')
  if reserved == job then call('HDEL', RESERVED, host) end
  call('HDEL', RESERVERS, job)
end

local function unqueue(job)
  unreserve(job)
  local head = headOf(job)
  if call('ZREM', SEEN, job) == 1 and head then call('ZREM', QUEUE, head .. ' ' .. job) end
end
local function enqueue(job, head, look)
  call('ZADD', QUEUE, 0, head .. ' ' .. job)
  call('ZADD', SEEN, look, job)
  count('ready')
end
local function ownerOf(job) return (call('HGET', CLAIMS, job) or ''):match('^(%d+) ([^/]+/.+)$') end
local function disown(job)
  local _, seat = ownerOf(job)
  if not seat then return end
  call('HDEL', CLAIMS, job)
  call('ZREM', LEASE, job)
  call('HDEL', OWN, seat)
end
local function forget(job)
  call('HDEL', SPEC, job)
  call('HDEL', STATE, job)
end
local function own(seat, job, epoch, till)
  unqueue(job)
  disown(job)
  call('HSET', CLAIMS, job, int(epoch) .. ' ' .. seat)
  call('HSET', OWN, seat, job)
  call('ZADD', LEASE, int(till), job)
  if epoch > meta('epoch') then call('HSET', META, 'epoch', int(epoch)) end
end
local function stands(job, service, epoch)
  local is, seat = ownerOf(job)
  return seat == HOST .. '/' .. service and is == epoch
end

local function mayTake(job, rank)
  local host = reserver(job)
  if host and host ~= HOST then return false end
  local _, excluded = load(job)
  for _, it in ipairs(excluded) do
    if it.host == HOST then
      if it.till <= now or it.till - now > RULES.exclude then return true end
      if not it.soft then return false end
      return others() == 0 or now - createdAt(rank) >= RULES.patience
    end
  end
  return true
end
-- walks through the first jobs of a class, from the given rank on. `place` is `<rank> <job>` of the current one, nil at the end
local function walk(class, rank)
  local it = {class = class, from = 0, members = {}, at = 1}
  function it.step()
    repeat
      it.at = it.at + 1
      if it.at > #it.members and it.from < RULES.depth then
        -- in most cases the first one is taken
        local count = it.from == 0 and 1 or RULES.depth - 1
        it.members = call('ZRANGEBYLEX', QUEUE, '[' .. class .. ' ' .. rank, '(' .. class .. '!', 'LIMIT', it.from, count)
        it.from, it.at = it.from + count, 1
      end
      it.member = it.members[it.at]
    until not it.member or read(it.member, class)
    it.place = it.member and it.member:sub(#class + 2)
  end
  it.step()
  return it
end
-- the job of a place, if this host may take it
local function taken(place, reserved)
  local rank, job = place:match('^(%S+) (.*)$')
  local isFree = not reserved or reserved == job or (isLate(rankOf(headOf(reserved))) and not isLate(rank))
  if isFree and mayTake(job, rank) then return job end
end
-- the first job of all walks that this host may take, and its member of the queue; with `isDue`, only among those that are due
local function firstOf(walks, reserved, isDue)
  while true do
    local best
    for _, it in ipairs(walks) do
      if it.place and (not best or before(it.place, best.place)) then best = it end
    end
    if not best or (isDue and dueOf(best.place) > now) then return nil end
    local job = taken(best.place, reserved)
    if job then return job, best.member end
    best.step()
  end
end
-- the first classes with queued jobs, each with its first member
local function classes(limit)
  local found, min = {}, '-'
  for _ = 1, 2 * limit do
    local member = call('ZRANGEBYLEX', QUEUE, min, '+', 'LIMIT', 0, 1)[1]
    if not member or #found == limit then break end
    local class = read(member) and member:match('^%S+')
    if class then
      found[#found + 1] = {class, member}
      min = '[' .. class .. '!'
    else
      min = '(' .. member
    end
  end
  return found
end

local function unidle(id)
  local value = call('HGET', IDLERS, id)
  if not value then return end
  local since, hot = value:match('^(%S+)(.*)$')
  if since then
    for class in (hot .. ' *'):gmatch('%S+') do call('ZREM', IDLE, class .. ' ' .. since .. ' ' .. id) end
  end
  call('HDEL', IDLERS, id)
end
-- wake one service: of those that can start the job without a pull, or else of all, the one that has been idle for longest
local function wake(class, excluded)
  for _, name in ipairs({class, '*'}) do
    local members = call('ZRANGEBYLEX', IDLE, '[' .. name .. ' ', '(' .. name .. '!', 'LIMIT', 0, RULES.idlers)
    for _, member in ipairs(members) do
      local id = member:sub(#name + 19)
      local host, service = id:match('^([^/]*)/(.*)$')
      local isExcluded = false
      for _, it in ipairs(excluded) do isExcluded = isExcluded or (it.host == host and it.till > now) end
      if not (host and alive(host) and isExcluded) then
        call('ZREM', IDLE, member)
        unidle(id)
      end
      if host and alive(host) and not isExcluded then
        call('PUBLISH', 'anklet:1:host:' .. host, 'wake ' .. service)
        return
      end
    end
  end
end
-- put a job that nobody knew into the queue, and wake a service for it; returns its class
local function add(job, head, json, look)
  if isStale(rankOf(head)) then head = putLast(head) end
  call('HSET', SPEC, job, head .. '\n' .. json)
  save(job, 0, {})
  enqueue(job, head, look)
  local class = head:match('^%S+')
  wake(class, {})
  return class
end
