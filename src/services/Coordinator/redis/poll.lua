#!lua
-- ARGV: generation, host, life, every, sooner -> Turn fence | No
local no = refusal()
if no then return no end
local every, sooner, began = tonumber(ARGV[4]), ARGV[5] == '1', meta('began')
-- a look that began in the future: the clock was set back since
if meta('fence') > 0 and began <= now then
  if now - began < (sooner and math.min(every, RULES.sooner) or every) then return {'No'} end
  local till = meta('polluntil')
  -- no host has written a turn that lasts longer
  if till - now > math.max(2 * every + RULES.grace, RULES.turn) then till = 0 end
  local isFree = sooner and meta('ended') == meta('fence')
  if call('HGET', META, 'poller') ~= HOST and till > now and not isFree then return {'No'} end
end
local fence = count('fence')
call('HSET', META, 'began', int(now), 'poller', HOST, 'polluntil', int(now + 2 * every + RULES.grace))
return {'Turn', int(fence)}
