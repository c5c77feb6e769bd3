#!lua flags=no-writes
-- ARGV: generation, host, life, job -> Record state attempt ahead owner service reserver late (host, until, soft, reason)…
local no = refusal()
if no then return no end
local job = ARGV[4]
local state, ahead, owner, service, attempt, late, excluded = 'unknown', 0, '', '', 0, 0, {}
if call('ZSCORE', SEEN, job) then
  state = 'queued'
  local head = headOf(job) or ' '
  local class = head:match('^%S*')
  ahead = call('ZLEXCOUNT', QUEUE, '[' .. class .. ' ', '(' .. head .. ' ' .. job)
else
  local _, seat = ownerOf(job)
  if seat then
    state = 'owned'
    owner, service = seat:match('^([^/]*)/(.*)$')
  elseif call('ZSCORE', DONE, job) then
    state = 'done'
  end
end
if state == 'queued' or state == 'owned' then
  attempt, excluded = load(job)
  late = dueOf(rankOf(headOf(job) or ' ') or '')
end
local reply = {'Record', state, int(attempt), int(ahead), owner, service, reserver(job) or '', int(late)}
for _, it in ipairs(excluded) do
  if it.till > now then
    reply[#reply + 1] = it.host
    reply[#reply + 1] = int(it.till)
    reply[#reply + 1] = it.soft and '1' or '0'
    reply[#reply + 1] = it.reason
  end
end
return reply
