#!lua
-- ARGV: generation, host, life, service, lease, class… -> Claimed epoch attempt JSON job | Claimed
local no = refusal()
if no then return no end
local seat, till = HOST .. '/' .. ARGV[4], now + tonumber(ARGV[5])
local held = call('HGET', OWN, seat)
if held and not (select(2, ownerOf(held)) == seat and isSound(held, (headOf(held)))) then
  -- another program wrote that
  call('HDEL', OWN, seat)
  held = false
end
if held then
  local _, json = headOf(held)
  call('ZADD', LEASE, int(till), held)
  return {'Claimed', (ownerOf(held)), int((load(held))), json, held}
end
local frozen = meta('frozenuntil')
if frozen > now and frozen - now <= RULES.frozen then return {'Claimed'} end
local reserved, first, member = reservation(), nil, nil
local isTheirTurn = meta('passed') >= RULES.share
if isTheirTurn then
  local walks = {}
  for i = 6, #ARGV do walks[#walks + 1] = walk(ARGV[i], '91') end
  first, member = firstOf(walks, reserved, true)
end
-- in most cases the host may take the first job of all classes, and no other one has to be read
local best, place, least, theirs
for i = 6, first and 0 or #ARGV do
  local class = ARGV[i]
  local head = call('ZRANGEBYLEX', QUEUE, '[' .. class .. ' ', '(' .. class .. '!', 'LIMIT', 0, 1)[1]
  if head then
    local from = #class + 2
    local number = tonumber(head:sub(from, from + 15)) or 0
    if not best or number < least or (number == least and before(head:sub(from), place)) then
      best, place, least, theirs = head, head:sub(from), number, class
    end
  end
end
if not first and not best then return {'Claimed'} end
if best and read(best, theirs) then first, member = taken(place, reserved), best end
if not first then
  local walks = {}
  for i = 6, #ARGV do walks[#walks + 1] = walk(ARGV[i], '') end
  first, member = firstOf(walks, reserved)
  if not first then return {'Claimed'} end
end
local head, json = read(member), select(2, headOf(first))
if not isSound(first, head) then
  -- another program wrote that: the next look reports the job again
  call('ZREM', QUEUE, member)
  unqueue(first)
  forget(first)
  return {'Claimed'}
end
local epoch = math.max(meta('epoch') + 1, now)
local attempt, excluded = load(first)
if isTheirTurn or isLate(rankOf(head)) then call('HDEL', META, 'passed') else count('passed') end
unidle(seat)
own(seat, first, epoch, till)
save(first, attempt + 1, excluded)
-- a host with a job leaves looking to others
if call('HGET', META, 'poller') == HOST and meta('polluntil') > now then call('HSET', META, 'polluntil', int(now)) end
return {'Claimed', int(epoch), int(attempt + 1), json, first}
