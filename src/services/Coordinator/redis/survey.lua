#!lua flags=no-writes
-- ARGV: generation, host, life, from -> Survey looker lookedAt seenAt frozenuntil owned classes (class, jobs, late)… (host, until, info, status)…
local no = refusal()
if no then return no end
local from = tonumber(ARGV[4])
-- a host of an older version does not write when its look began
local seenAt = meta('ended') == meta('fence') and meta('began') or meta('seenat')
local reply = {'Survey', call('HGET', META, 'poller') or '', int(meta('began')), int(seenAt), int(meta('frozenuntil')), int(call('ZCARD', LEASE))}
local found = classes(RULES.classes)
reply[#reply + 1] = int(#found)
for _, it in ipairs(found) do
  reply[#reply + 1] = it[1]
  reply[#reply + 1] = int(call('ZLEXCOUNT', QUEUE, '[' .. it[1] .. ' ', '(' .. it[1] .. '!'))
  reply[#reply + 1] = int(call('ZLEXCOUNT', QUEUE, '[' .. it[1] .. ' 91', '(' .. it[1] .. '!'))
end
local hosts = call('ZRANGE', ALIVE, from, from + RULES.page - 1, 'WITHSCORES')
for i = 1, #hosts, 2 do
  reply[#reply + 1] = hosts[i]
  reply[#reply + 1] = int(tonumber(hosts[i + 1]))
  reply[#reply + 1] = (call('HGET', HOSTS, hosts[i]) or ''):match('^%S+ (.*)$') or ''
  reply[#reply + 1] = call('HGET', SAID, hosts[i]) or ''
end
return reply
