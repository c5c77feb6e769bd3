#!lua flags=allow-oom
-- ARGV: gen, host, boot, lease, status, (job, service, epoch)… -> Verdicts kept|lost|unknown…
local no = refusal()
if no then return no end
local till = int(now + tonumber(ARGV[4]))
call('ZADD', ALIVE, till, HOST)
if ARGV[5] ~= '' then call('HSET', SAID, HOST, ARGV[5]) end
local reply = {'Verdicts'}
for i = 6, #ARGV, 3 do
  local job, service, epoch = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local is, seat = ownerOf(job)
  local verdict = 'kept'
  if not seat then
    verdict = call('ZSCORE', DONE, job) and 'lost' or 'unknown'
  elseif seat ~= HOST .. '/' .. service then
    verdict = 'lost'
  elseif is ~= epoch then
    verdict = 'unknown'
  else
    call('ZADD', LEASE, till, job)
  end
  reply[#reply + 1] = verdict
end
return reply
