#!lua flags=allow-oom
-- ARGV: generation, host, life, job, service, epoch, attempt, lease, taken, head, JSON -> Claimed epoch 1 JSON | Claimed
local no = refusal()
if no then return no end
local job, service, epoch, attempt, lease, taken, head, json = unpack(ARGV, 4, 11)
local other = call('ZSCORE', LEASE, taken)
if not stands(job, service, epoch) or (other and tonumber(other) > now) then return {'Claimed'} end
local planned = headOf(job)
local fresh = math.max(meta('epoch') + 1, now)
local _, excluded = load(job)
disown(job)
if planned then
  save(job, tonumber(attempt) - 1, excluded)
  enqueue(job, planned, meta('fence'))
  wake(planned:match('^%S+'), excluded)
end
call('ZREM', DONE, taken)
local _, theirs = load(taken)
head = headOf(taken) or head
own(HOST .. '/' .. service, taken, fresh, now + tonumber(lease))
call('HSET', SPEC, taken, head .. '\n' .. json)
save(taken, 1, theirs)
return {'Claimed', int(fresh), '1', json}
