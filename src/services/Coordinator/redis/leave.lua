#!lua flags=allow-oom
-- ARGV: generation, host, life, service… -> Done
local no = refusal()
if no then return no end
for i = 4, #ARGV do unidle(HOST .. '/' .. ARGV[i]) end
call('ZREM', ALIVE, HOST)
call('HDEL', HOSTS, HOST)
call('HDEL', SAID, HOST)
local _, job = (call('HGET', RESERVED, HOST) or ''):match('^(%d+) (.*)$')
call('HDEL', RESERVED, HOST)
if job and call('HGET', RESERVERS, job) == HOST then call('HDEL', RESERVERS, job) end
if call('HGET', META, 'poller') == HOST and meta('polluntil') > now then call('HSET', META, 'polluntil', int(now)) end
return {'Done'}
