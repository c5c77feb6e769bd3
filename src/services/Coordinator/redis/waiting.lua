#!lua flags=no-writes
-- ARGV: generation, host, life -> Heads ready JSON…
local no = refusal()
if no then return no end
local reply, reserved = {'Heads', int(meta('ready'))}, reservation()
for _, found in ipairs(classes(RULES.classes)) do
  local it = walk(found[1], '')
  while it.place do
    local job = taken(it.place, reserved)
    if job then
      local _, json = headOf(job)
      reply[#reply + 1] = json
      break
    end
    it.step()
  end
end
return reply
