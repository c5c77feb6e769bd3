#!lua
-- ARGV: generation, host, life, service, ready, class… -> Done | No
local no = refusal()
if no then return no end
if meta('ready') ~= tonumber(ARGV[5]) then return {'No'} end
local id = HOST .. '/' .. ARGV[4]
unidle(id)
local since = string.format('%016.0f', now)
local value = since
for i = 6, #ARGV do
  value = value .. ' ' .. ARGV[i]
  call('ZADD', IDLE, 0, ARGV[i] .. ' ' .. since .. ' ' .. id)
end
call('ZADD', IDLE, 0, '* ' .. since .. ' ' .. id)
call('HSET', IDLERS, id, value)
return {'Done'}
