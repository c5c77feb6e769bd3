#!lua flags=allow-oom
-- ARGV: generation, host, life, lease, status, number of services, service…, (job, service, epoch)…
-- -> Heard kept|lost|unknown… (service, epoch, attempt, JSON)…
local no = refusal()
if no then return no end
local till = int(now + tonumber(ARGV[4]))
call('ZADD', ALIVE, till, HOST)
if ARGV[5] ~= '' then call('HSET', SAID, HOST, ARGV[5]) end
local reply, listed = {'Heard'}, {}
local last = 6 + tonumber(ARGV[6])
for i = last + 1, #ARGV, 3 do
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
  listed[job] = true
end
-- claims of which the host has not heard, because the reply that granted them was lost
for i = 7, last do
  local job = call('HGET', OWN, HOST .. '/' .. ARGV[i])
  if job and not listed[job] then
    local epoch, seat = ownerOf(job)
    local head, json = headOf(job)
    if head and seat == HOST .. '/' .. ARGV[i] then
      for _, it in ipairs({ARGV[i], epoch, int((load(job))), json}) do reply[#reply + 1] = it end
    end
  end
end
return reply
