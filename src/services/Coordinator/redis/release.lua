#!lua flags=allow-oom
-- ARGV: generation, host, life, job, service, epoch, attempt, after, charged, reason, in vain -> Done
local no = refusal()
if no then return no end
local job, service, epoch, attempt, after, charged = ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] == '1'
if not stands(job, service, epoch) then return {'Done'} end
local head, json = headOf(job)
if not head then
  -- another program removed the request: the next look reports the job again
  disown(job)
  forget(job)
  return {'Done'}
end
local _, known = load(job)
local excluded = {}
for _, it in ipairs(known) do
  if it.host ~= HOST and it.till > now then excluded[#excluded + 1] = it end
end
if after > 0 then excluded[#excluded + 1] = {host = HOST, till = now + after, soft = not charged, reason = ARGV[10]} end
if #excluded > RULES.excluded then table.remove(excluded, 1) end
disown(job)
attempt = charged and attempt or attempt - 1
save(job, attempt, excluded)
if ARGV[11] == '1' or (charged and attempt >= RULES.failures) then
  head = putLast(head)
  call('HSET', SPEC, job, head .. '\n' .. json)
end
enqueue(job, head, meta('fence'))
wake(head:match('^%S+'), excluded)
return {'Done'}
