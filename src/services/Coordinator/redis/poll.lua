#!lua
-- ARGV: gen, host, boot, every -> Turn fence | No
local no = refusal()
if no then return no end
local every, began = tonumber(ARGV[4]), meta('began')
-- a beginning in the future was written before the clock was set back
if meta('fence') > 0 and began <= now then
  if now - began < every then return {'No'} end
  if call('HGET', META, 'poller') ~= HOST and meta('polluntil') > now then return {'No'} end
end
local fence = call('HINCRBY', META, 'fence', 1)
call('HSET', META, 'began', int(now), 'poller', HOST, 'polluntil', int(now + 2 * every + RULES.grace))
return {'Turn', int(fence)}
