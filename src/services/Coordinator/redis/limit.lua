#!lua flags=allow-oom
-- KEYS: one credential's. ARGV: credential, milliseconds for which it is refused, or 0 to ask -> milliseconds
local ms = tonumber(ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if ms > left then
  redis.call('SET', KEYS[1], '', 'PX', ms)
  redis.call('PUBLISH', 'anklet:1:limits', ARGV[1] .. ' ' .. ms)
  left = ms
end
return {tostring(math.max(left, 0))}
