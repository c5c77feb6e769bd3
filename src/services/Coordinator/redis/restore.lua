#!lua flags=allow-oom
-- ARGV: generation, host, life, lease, (job, service, epoch, attempt, head, JSON)… -> Verdicts kept|lost…
local no = refusal()
if no then return no end
local till = now + tonumber(ARGV[4])
local reply = {'Verdicts'}
for i = 5, #ARGV, 6 do
  local job, service, epoch, attempt, head, json = unpack(ARGV, i, i + 5)
  local seat = HOST .. '/' .. service
  local is, owner = ownerOf(job)
  if call('ZSCORE', DONE, job) or (owner and owner ~= seat and tonumber(is) >= tonumber(epoch)) then
    reply[#reply + 1] = 'lost'
  else
    local other = call('HGET', OWN, seat)
    if other and other ~= job then
      disown(other)
      forget(other)
    end
    local _, excluded = load(job)
    head = headOf(job) or head
    own(seat, job, tonumber(epoch), till)
    call('HSET', SPEC, job, head .. '\n' .. json)
    save(job, tonumber(attempt), excluded)
    reply[#reply + 1] = 'kept'
  end
end
return reply
