-- What the shard holds, or what one tenant's hash says.
-- ARGV[3] a tenant, or ''
-- Without a tenant: epoch, seq, queued, running, ready tenants by class, parked, delayed, dead, paused tenants, then for
-- each worker its name, ms to its deadline, and its leases. With one: now, then the tenant's fields and values.
if ARGV[3] ~= '' then
    return { now, call('HGETALL', tenantKey(ARGV[3])) }
end
local workers = {}
local page = call('ZRANGE', S .. ':w', 0, -1, 'WITHSCORES')
for i = 1, #page, 2 do
    workers[#workers + 1] = page[i]
    workers[#workers + 1] = tonumber(page[i + 1]) - now
    workers[#workers + 1] = call('HLEN', S .. ':own:' .. page[i])
end
return { tonumber(head[1]), tonumber(head[2]) or 0, tonumber(head[3]) or 0, tonumber(head[4]) or 0,
    call('LLEN', S .. ':ring:0'), call('LLEN', S .. ':ring:1'), call('LLEN', S .. ':ring:2'),
    call('ZCARD', PARK), call('ZCARD', DELAY), call('ZCARD', S .. ':dead'), call('SCARD', S .. ':paused'), workers }
