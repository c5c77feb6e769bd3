#!lua
-- ARGV: gen, host, boot, service, lease, class… -> Claimed epoch attempt JSON | Claimed
local no = refusal()
if no then return no end
local seat, till = HOST .. '/' .. ARGV[4], now + tonumber(ARGV[5])
local held = call('HGET', OWN, seat)
if held then
  local _, json = headOf(held)
  call('ZADD', LEASE, int(till), held)
  return {'Claimed', (ownerOf(held)), int((load(held))), json}
end
local hold = meta('hold')
if hold > now and hold - now <= RULES.hold then return {'Claimed'} end
local reserved, first, place = reservation(), nil, nil
for i = 6, #ARGV do
  local job, rank = firstFor(ARGV[i], reserved)
  if job then
    local candidate = rank .. ' ' .. job
    if not first or before(candidate, place) then first, place = job, candidate end
  end
end
if not first then return {'Claimed'} end
local epoch = math.max(meta('epoch') + 1, now)
local attempt, excluded = load(first)
local _, json = headOf(first)
unidle(seat)
own(seat, first, epoch, till)
save(first, attempt + 1, excluded)
-- who has a job to see to leaves looking to others
if call('HGET', META, 'poller') == HOST and meta('polluntil') > now then call('HSET', META, 'polluntil', int(now)) end
return {'Claimed', int(epoch), int(attempt + 1), json}
