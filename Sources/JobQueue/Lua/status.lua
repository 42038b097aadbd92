-- What the shard holds, or what one tenant's record says.
-- ARGV[3] a tenant, or ''
-- Without a tenant: epoch, seq, queued, running, ready tenants by class, parked, delayed, dead, paused tenants, then for
-- each worker its name, ms to its deadline, and its leases.
-- With one: now, then names and values: n running, s0 s1 s2 standing, the controls by their letters, j<kind> the state of
-- a job. Of jobs outside the record some.
local SOME = 64
if ARGV[3] ~= '' then
    local tenant = ARGV[3]
    fetch({ tenant })
    local t = tenants[tenant]
    local answer = { 'n', t[N], 's0', char(t[1]), 's1', char(t[2]), 's2', char(t[3]) }
    local function say(name, value)
        answer[#answer + 1] = name
        answer[#answer + 1] = value
    end
    for name, value in pairs(t.controls or {}) do say(name, value) end
    for kind, state in string.gmatch(body(t), '\n([^\t\n]+)\t([^\n]*)') do say('j' .. kind, state) end
    if t.big then
        local page = call('HSCAN', bigKey(tenant), '0', 'COUNT', SOME)[2]
        for i = 1, #page, 2 do say('j' .. page[i], page[i + 1]) end
    end
    return { now, answer }
end
local workers = {}
local page = call('ZRANGE', S .. ':w', 0, -1, 'WITHSCORES')
for i = 1, #page, 2 do
    workers[#workers + 1] = page[i]
    workers[#workers + 1] = tonumber(page[i + 1]) - now
    workers[#workers + 1] = call('SCARD', S .. ':own:' .. page[i])
end
return { tonumber(head[1]), tonumber(head[2]) or 0, tonumber(head[3]) or 0, tonumber(head[4]) or 0,
    call('LLEN', S .. ':ring:0'), call('LLEN', S .. ':ring:1'), call('LLEN', S .. ':ring:2'),
    call('ZCARD', PARK), call('ZCARD', DELAY), call('ZCARD', S .. ':dead'), call('SCARD', S .. ':paused'), workers }
