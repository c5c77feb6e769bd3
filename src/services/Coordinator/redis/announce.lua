#!lua
-- ARGV: generation, host, life, (job, head, JSON)… -> Done
local no = refusal()
if no then return no end
local fence = int(meta('fence'))
for i = 4, #ARGV, 3 do
  local job, head, json = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if (ownerOf(job) and call('ZSCORE', LEASE, job)) or call('ZSCORE', DONE, job) then
    -- it has an owner, or is over
  elseif call('ZSCORE', SEEN, job) then
    call('ZADD', SEEN, fence, job)
  else
    add(job, head, json, fence)
  end
end
return {'Done'}
