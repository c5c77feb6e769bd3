#!lua flags=allow-oom
-- ARGV: generation, host, life, info, terms, lease, knewGeneration, replaces -> Welcome generation | Taken life info | Mixed terms info
local info, terms, lease, knewGeneration, replaces = ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7] == '1', ARGV[8]
local known = call('HGET', HOSTS, HOST)
if known and alive(HOST) then
  local life, said = known:match('^(%S+) (.*)$')
  if life and life ~= LIFE and life ~= replaces then return {'Taken', life, said} end
end
local agreed = call('HGET', META, 'terms') or ''
if agreed ~= terms and others() > 0 then
  local said = call('HGET', HOSTS, call('HGET', META, 'termsby') or '') or ''
  return {'Mixed', agreed, said:match('^%S+ (.*)$') or ''}
end
for _, host in ipairs(over(ALIVE, '(' .. int(now - RULES.absent), RULES.absentees)) do
  call('ZREM', ALIVE, host)
  call('HDEL', HOSTS, host)
  call('HDEL', SAID, host)
end
local generation = call('HGET', META, 'generation')
if not generation then
  generation = GENERATION
  call('HSET', META, 'generation', generation)
  if knewGeneration then call('HSET', META, 'frozenuntil', int(now + RULES.frozen)) end
end
if agreed ~= terms then call('HSET', META, 'terms', terms, 'termsby', HOST) end
call('HSET', HOSTS, HOST, LIFE .. ' ' .. info)
call('HDEL', SAID, HOST)
call('ZADD', ALIVE, int(now + lease), HOST)
return {'Welcome', generation}
