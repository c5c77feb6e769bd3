#!lua flags=allow-oom
-- ARGV: gen, host, boot, info, terms, lease, knew, takes -> Welcome gen | Taken boot info | Mixed terms info
local info, terms, lease, knew, takes = ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7] == '1', ARGV[8]
local known = call('HGET', HOSTS, HOST)
if known and alive(HOST) then
  local boot, said = known:match('^(%S+) (.*)$')
  if boot ~= BOOT and boot ~= takes then return {'Taken', boot, said} end
end
local agreed = call('HGET', META, 'terms') or ''
if agreed ~= terms and others() > 0 then
  local said = call('HGET', HOSTS, call('HGET', META, 'termsby') or '') or ''
  return {'Mixed', agreed, said:match('^%S+ (.*)$') or ''}
end
for _, host in ipairs(call('ZRANGEBYSCORE', ALIVE, '-inf', '(' .. int(now - RULES.absent), 'LIMIT', 0, RULES.absentees)) do
  call('ZREM', ALIVE, host)
  call('HDEL', HOSTS, host)
  call('HDEL', SAID, host)
end
local gen = call('HGET', META, 'gen')
if not gen then
  gen = GEN
  call('HSET', META, 'gen', gen)
  if knew then call('HSET', META, 'hold', int(now + RULES.hold)) end
end
if agreed ~= terms then call('HSET', META, 'terms', terms, 'termsby', HOST) end
call('HSET', HOSTS, HOST, BOOT .. ' ' .. info)
call('HDEL', SAID, HOST)
call('ZADD', ALIVE, int(now + lease), HOST)
return {'Welcome', gen}
