#!lua
-- ARGV: generation, host, life, job, lasting -> Done | No
local no = refusal()
if no then return no end
local job, mine = ARGV[4], reservation()
if not call('ZSCORE', SEEN, job) or (mine and mine ~= job) then return {'No'} end
local theirs = reserver(job)
if theirs and theirs ~= HOST then return {'No'} end
local _, old = (call('HGET', RESERVED, HOST) or ''):match('^(%d+) (.*)$')
if old and old ~= job and call('HGET', RESERVERS, old) == HOST then call('HDEL', RESERVERS, old) end
call('HSET', RESERVED, HOST, int(now + tonumber(ARGV[5])) .. ' ' .. job)
call('HSET', RESERVERS, job, HOST)
return {'Done'}
