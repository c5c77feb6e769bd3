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
local reserved = reservation()
-- mostly the best of the heads may be taken, and nothing else is looked at
local best, least
for i = 6, #ARGV do
  local class = ARGV[i]
  local head = call('ZRANGEBYLEX', QUEUE, '[' .. class .. ' ', '(' .. class .. '!', 'LIMIT', 0, 1)[1]
  if head then
    local from = #class + 2
    local number = tonumber(head:sub(from, from + 15))
    if not best or number < least or (number == least and before(head:sub(from), best)) then
      best, least = head:sub(from), number
    end
  end
end
if not best then return {'Claimed'} end
local first, walks = taken({place = best}, reserved), {}
if not first then
  for i = 6, #ARGV do walks[#walks + 1] = walk(ARGV[i]) end
end
while not first do
  local best
  for _, it in ipairs(walks) do
    if it.place and (not best or before(it.place, best.place)) then best = it end
  end
  if not best then return {'Claimed'} end
  first = taken(best, reserved)
  if not first then best.step() end
end
local epoch = math.max(meta('epoch') + 1, now)
local attempt, excluded = load(first)
local _, json = headOf(first)
unidle(seat)
own(seat, first, epoch, till)
save(first, attempt + 1, excluded)
-- who has a job to see to leaves looking to others
if call('HGET', META, 'poller') == HOST and meta('polluntil') > now then call('HSET', META, 'polluntil', int(now)) end
return {'Claimed', int(epoch), int(attempt + 1), json}
