#!lua flags=allow-oom
-- ARGV: generation, host, life, job, service, epoch -> Done
local no = refusal()
if no then return no end
local job, service, epoch = ARGV[4], ARGV[5], ARGV[6]
if ownerOf(job) and not stands(job, service, epoch) then return {'Done'} end
unqueue(job)
disown(job)
forget(job)
call('ZADD', DONE, int(now), job)
return {'Done'}
