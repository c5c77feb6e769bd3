#!lua flags=no-writes
-- ARGV: generation, host, life, from -> Listed more (json, attempt, ahead, reserver, late, count, (host, until, soft, reason)…)…
local no = refusal()
if no then return no end
local from = tonumber(ARGV[4])
local members = call('ZRANGE', QUEUE, from, from + RULES.page)
local reply = {'Listed', #members > RULES.page and '1' or '0'}
local ahead, last = 0, nil
for i = 1, math.min(#members, RULES.page) do
  local head, job = read(members[i])
  if head then
    local class = head:match('^%S+')
    ahead = class == last and ahead + 1 or call('ZLEXCOUNT', QUEUE, '[' .. class .. ' ', '(' .. members[i])
    last = class
    local _, json = headOf(job)
    local attempt, excluded = load(job)
    local counted = {}
    for _, it in ipairs(excluded) do
      if it.till > now then counted[#counted + 1] = it end
    end
    for _, value in ipairs({json or '', int(attempt), int(ahead), reserver(job) or '', int(dueOf(rankOf(head))), int(#counted)}) do
      reply[#reply + 1] = value
    end
    for _, it in ipairs(counted) do
      for _, value in ipairs({it.host, int(it.till), it.soft and '1' or '0', it.reason}) do
        reply[#reply + 1] = value
      end
    end
  end
end
return reply
