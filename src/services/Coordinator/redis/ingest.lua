#!lua
-- ARGV: generation, host, life, fence, last (0; 1; 2 if the look missed a part of the CI), (job, head, JSON or nothing)… -> Unknown job… | No
local no = refusal()
if no then return no end
local fence, last, whole = tonumber(ARGV[4]), ARGV[5] ~= '0', ARGV[5] == '1'
if meta('fence') ~= fence or call('HGET', META, 'poller') ~= HOST then return {'No'} end
for _, job in ipairs(over(LEASE, int(now), RULES.lapsed)) do
  if ownerOf(job) then
    disown(job)
    forget(job)
  else
    -- another program wrote that: the job may be queued
    call('ZREM', LEASE, job)
  end
end
local began = meta('began')
local reply, fresh = {'Unknown'}, {}
for i = 6, #ARGV, 3 do
  local job, head, json = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if ownerOf(job) and call('ZSCORE', LEASE, job) then
    -- it has an owner
  elseif call('ZSCORE', SEEN, job) then
    call('ZADD', SEEN, fence, job)
    local known, kept = headOf(job)
    -- another program may have written there what no host can read
    if known and json ~= '' and kept ~= json then call('HSET', SPEC, job, known .. '\n' .. json) end
  else
    local since = call('ZSCORE', DONE, job)
    if since and began - tonumber(since) < RULES.resurrect then
      -- the answer of the CI is older than the end of the job
    elseif json == '' then
      reply[#reply + 1] = job
    else
      call('ZREM', DONE, job)
      fresh[add(job, head, json, fence)] = true
    end
  end
end
if last then
  call('HSET', META, 'ended', int(fence), 'seenat', int(began))
  if whole then
    for _, job in ipairs(call('ZRANGEBYSCORE', SEEN, '-inf', '(' .. meta('looked'), 'LIMIT', 0, RULES.forgotten)) do
      unqueue(job)
      forget(job)
    end
    call('HSET', META, 'looked', int(fence))
  end
  local stale = over(DONE, int(now - RULES.tombstone), RULES.forgotten)
  if #stale > 0 then call('ZREM', DONE, unpack(stale)) end
  -- if another program wrote in the queue, build it again from the jobs that can be read; the next look reports the
  -- rest. Members of unequal scores are not found by their bytes, and a job seen in a future look is never forgotten
  local skewed = call('ZCOUNT', QUEUE, '-inf', '(0') + call('ZCOUNT', QUEUE, '(0', '+inf') + call('ZCOUNT', SEEN, '(' .. int(fence), '+inf')
  if skewed > 0 or call('ZCARD', QUEUE) ~= call('ZCARD', SEEN) then
    local all = call('ZRANGE', SEEN, 0, -1, 'WITHSCORES')
    call('DEL', QUEUE, SEEN)
    for i = 1, #all, 2 do
      local head = headOf(all[i])
      if head and isSound(all[i], head) then enqueue(all[i], head, int(math.min(tonumber(all[i + 1]), fence))) end
    end
  end
  call('ZREMRANGEBYSCORE', IDLE, '-inf', '(0')
  call('ZREMRANGEBYSCORE', IDLE, '(0', '+inf')
  -- put stale jobs behind all fresh ones, and forget those that no host can read. Of each priority of each class, the first jobs are examined
  local demoted = 0
  for _, found in ipairs(classes(RULES.classes)) do
    local class, priority = found[1], 0
    while priority <= 10 and demoted < RULES.demoted do
      local member = call('ZRANGEBYLEX', QUEUE, '[' .. class .. ' ' .. (priority > 9 and '91' or priority > 0 and priority or ''), '(' .. class .. '!', 'LIMIT', 0, 1)[1]
      if not member then break end
      local head, job = read(member)
      if not head or not isSound(job, head) then
        call('ZREM', QUEUE, member)
        if job then
          call('ZREM', SEEN, job)
          forget(job)
        end
        demoted = demoted + 1
      elseif isStale(rankOf(head)) then
        local _, json = headOf(job)
        call('ZREM', QUEUE, member)
        head = putLast(head)
        call('ZADD', QUEUE, 0, head .. ' ' .. job)
        call('HSET', SPEC, job, head .. '\n' .. json)
        demoted = demoted + 1
      else
        priority = isLate(rankOf(head)) and 11 or tonumber(rankOf(head):sub(1, 1)) + 1
      end
    end
  end
  -- the host that was woken for these may have died since
  for _, found in ipairs(classes(RULES.wakes)) do
    local class, member = found[1], found[2]
    if not fresh[class] then
      local _, excluded = load(member:match('^%S+ %S+ (.*)$'))
      wake(class, excluded)
    end
  end
end
return reply
